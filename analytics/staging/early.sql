-- One row per conversation of which an event says that it came before the creation: its clock ran behind. Nothing comes before
-- the creation, so that event happened at created_us. They are few: to join them costs less than to join `born`.
select conversation_id, created_us, created_seq from born where first_us < created_us or first_seq < created_seq
