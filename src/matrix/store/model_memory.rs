//! What models were told and answered, by context.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Store, StoreError};
use crate::{
    core::ids::{EventKey, PlatformChatId},
    platform::openai::ports::{Exchange, Memory, PortError},
};

impl From<StoreError> for PortError {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

#[async_trait]
impl Memory for Store {
    async fn recall(
        &self,
        context: PlatformChatId,
        most: u32,
    ) -> Result<Option<Vec<Exchange>>, PortError> {
        let recalled = self.call(move |connection| {
            if !is_known(connection, context)? {
                return Ok(None);
            }
            let mut statement = connection.prepare_cached(
                "SELECT question, asked, answered FROM model_exchange WHERE context = ?1 ORDER BY place DESC LIMIT ?2",
            )?;
            let exchanges = statement.query_map(params![context.to_string(), most], |row| {
                Ok(Exchange {
                    question: EventKey::new(row.get::<_, String>(0)?),
                    asked: row.get(1)?,
                    answered: row.get(2)?,
                })
            })?;
            let mut exchanges = exchanges.collect::<Result<Vec<_>, _>>()?;
            exchanges.reverse();
            Ok(Some(exchanges))
        });
        Ok(recalled.await?)
    }

    async fn begin(
        &self,
        context: PlatformChatId,
        exchanges: Vec<Exchange>,
    ) -> Result<(), PortError> {
        let begun = self.call(move |connection| {
            let transaction = connection.transaction()?;
            forget(&transaction, context)?;
            know(&transaction, context)?;
            for exchange in &exchanges {
                add(&transaction, context, exchange)?;
            }
            Ok(transaction.commit()?)
        });
        Ok(begun.await?)
    }

    async fn remember(&self, context: PlatformChatId, exchange: Exchange) -> Result<(), PortError> {
        let remembered = self.call(move |connection| {
            let transaction = connection.transaction()?;
            know(&transaction, context)?;
            add(&transaction, context, &exchange)?;
            Ok(transaction.commit()?)
        });
        Ok(remembered.await?)
    }

    async fn copy(&self, from: PlatformChatId, to: PlatformChatId) -> Result<bool, PortError> {
        let copied = self.call(move |connection| {
            let transaction = connection.transaction()?;
            if !is_known(&transaction, from)? {
                return Ok(false);
            }
            if from != to {
                forget(&transaction, to)?;
                know(&transaction, to)?;
                transaction.execute(
                    "INSERT INTO model_exchange (context, question, place, asked, answered)
                     SELECT ?2, question, place, asked, answered FROM model_exchange WHERE context = ?1",
                    params![from.to_string(), to.to_string()],
                )?;
            }
            transaction.commit()?;
            Ok(true)
        });
        Ok(copied.await?)
    }

    async fn forget(&self, context: PlatformChatId) -> Result<(), PortError> {
        let forgotten = self.call(move |connection| {
            let transaction = connection.transaction()?;
            forget(&transaction, context)?;
            Ok(transaction.commit()?)
        });
        Ok(forgotten.await?)
    }
}

fn is_known(connection: &Connection, context: PlatformChatId) -> Result<bool, StoreError> {
    let found = connection
        .prepare_cached("SELECT 1 FROM model_context WHERE context = ?1")?
        .query_row([context.to_string()], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

fn know(connection: &Connection, context: PlatformChatId) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO model_context (context) VALUES (?1)")?
        .execute([context.to_string()])?;
    Ok(())
}

fn forget(connection: &Connection, context: PlatformChatId) -> Result<(), StoreError> {
    for statement in [
        "DELETE FROM model_context WHERE context = ?1",
        "DELETE FROM model_exchange WHERE context = ?1",
    ] {
        connection
            .prepare_cached(statement)?
            .execute([context.to_string()])?;
    }
    Ok(())
}

/// At the end, or in the place of the same question.
fn add(
    connection: &Connection,
    context: PlatformChatId,
    exchange: &Exchange,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO model_exchange (context, question, place, asked, answered)
             VALUES (?1, ?2, (SELECT coalesce(max(place), 0) + 1 FROM model_exchange WHERE context = ?1), ?3, ?4)
             ON CONFLICT (context, question) DO UPDATE SET asked = excluded.asked, answered = excluded.answered",
        )?
        .execute(params![
            context.to_string(),
            exchange.question.as_str(),
            exchange.asked,
            exchange.answered
        ])?;
    Ok(())
}
