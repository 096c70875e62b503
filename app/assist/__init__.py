"""Captain at work: the vectors of articles, drafts for agents, answers for readers."""
