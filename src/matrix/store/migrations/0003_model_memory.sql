-- What models were told and answered: the memory of agents of the kind openai. Read back from the rooms where it is lost.

-- Contexts of which something is known, were it only that they are empty.
CREATE TABLE model_context (
    context TEXT PRIMARY KEY                     -- platform_chat_id, or the id of a kept copy
) STRICT, WITHOUT ROWID;

-- One row per question that was answered.
CREATE TABLE model_exchange (
    context  TEXT NOT NULL,
    question TEXT NOT NULL,                      -- event id
    place    INTEGER NOT NULL,                   -- order in the conversation
    asked    TEXT NOT NULL,
    answered TEXT NOT NULL,
    PRIMARY KEY (context, question)
) STRICT, WITHOUT ROWID;
CREATE INDEX model_exchange_by_place ON model_exchange (context, place);
