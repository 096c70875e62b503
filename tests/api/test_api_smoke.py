def test_smoke(world, ada):
    world.conversation()
    for p in [
        "",
        "conversations",
        "conversations/meta",
        "contacts",
        "inboxes",
        "agents",
        "labels",
        "teams",
        "canned_responses",
        "conversations/1",
        "conversations/1/messages",
        "contacts/1",
        "cache_keys",
        "/api/v1/profile",
        "/auth/validate_token",
        "/api",
    ]:
        r = ada.get(p)
        print(p, r.status_code, r.get_data(as_text=True)[:1500])
        assert r.status_code == 200
