-- Which session of an agent of the kind acp a context has: after a restart, the agent is asked to continue it.
CREATE TABLE agent_session (
    agent_id   TEXT NOT NULL,
    context    TEXT NOT NULL,                    -- platform_chat_id, or the id of a kept context
    session_id TEXT NOT NULL,                    -- the agent's own name
    room_id    TEXT NOT NULL,                    -- where it is continued, or was kept
    folder     TEXT NOT NULL,                    -- where it was opened, relative to the workspace
    kept       INTEGER NOT NULL,                 -- kept under a name, and continued by nobody for now
    PRIMARY KEY (agent_id, context)
) STRICT, WITHOUT ROWID;
CREATE INDEX agent_session_by_session ON agent_session (agent_id, session_id);
