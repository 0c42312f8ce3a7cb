-- People who were told that they may not use the bot: told once a day, whatever dies.
CREATE TABLE refusal (
    user_id  TEXT PRIMARY KEY,
    event_id TEXT NOT NULL,                      -- their message that the refusal answers
    told_at  INTEGER NOT NULL                    -- seconds since the epoch
) STRICT, WITHOUT ROWID;
