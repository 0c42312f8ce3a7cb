//! Figures for Prometheus, in the `OpenMetrics` text form that it and its relatives read.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use crate::core::ids::AgentId;

/// Upper ends of the latency buckets in seconds: a mock answers in one, a working agent in minutes.
const LATENCY_BUCKETS: [f64; 11] = [
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AgentLabels {
    agent: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FigureLabels {
    figure: &'static str,
}

/// All figures. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    sync_age_seconds: Gauge<f64, AtomicU64>,
    messages_received: Counter,
    messages_answered: Counter,
    messages_failed: Counter,
    messages_refused: Counter,
    messages_buried: Counter,
    dead_letters: Family<KindLabels, Gauge>,
    queue_depth: Gauge,
    answer_latency_seconds: Histogram,
    reconcile: Family<FigureLabels, Gauge<i64, AtomicI64>>,
    agent_healthy: Family<AgentLabels, Gauge>,
    send_retries: Counter,
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Arc::default(),
            sync_age_seconds: Gauge::default(),
            messages_received: Counter::default(),
            messages_answered: Counter::default(),
            messages_failed: Counter::default(),
            messages_refused: Counter::default(),
            messages_buried: Counter::default(),
            dead_letters: Family::default(),
            queue_depth: Gauge::default(),
            answer_latency_seconds: Histogram::new(LATENCY_BUCKETS),
            reconcile: Family::default(),
            agent_healthy: Family::default(),
            send_retries: Counter::default(),
        };
        metrics.registry = Arc::new(metrics.registered());
        metrics
    }

    fn registered(&self) -> Registry {
        let mut registry = Registry::with_prefix("surfaces");
        self.register_process(&mut registry);
        self.register_messages(&mut registry);
        registry
    }

    fn register_process(&self, registry: &mut Registry) {
        let build_info = Family::<BuildLabels, Gauge>::default();
        let version = env!("CARGO_PKG_VERSION");
        build_info.get_or_create(&BuildLabels { version }).set(1);

        registry.register("build_info", "Which version runs; always 1", build_info);
        registry.register(
            "sync_age_seconds",
            "Time since the last successful sync, or since the start",
            self.sync_age_seconds.clone(),
        );
        registry.register(
            "reconcile",
            "Figures of the last full reconcile",
            self.reconcile.clone(),
        );
        registry.register(
            "agent_healthy",
            "1 where the agent can be reached, 0 where it cannot; nothing before an acp agent is first needed",
            self.agent_healthy.clone(),
        );
        registry.register(
            "send_retries",
            "Requests to the homeserver that were made again",
            self.send_retries.clone(),
        );
    }

    fn register_messages(&self, registry: &mut Registry) {
        registry.register(
            "messages_received",
            "Messages taken in to be answered",
            self.messages_received.clone(),
        );
        registry.register(
            "messages_answered",
            "Messages answered in full",
            self.messages_answered.clone(),
        );
        registry.register(
            "messages_failed",
            "Messages to which the answer was that it failed",
            self.messages_failed.clone(),
        );
        registry.register(
            "messages_refused",
            "Messages that found their queue full",
            self.messages_refused.clone(),
        );
        registry.register(
            "messages_buried",
            "Messages that were given up, or whose answer the homeserver refused for good",
            self.messages_buried.clone(),
        );
        registry.register(
            "dead_letters",
            "Rows of the table dead_letter: answers refused by the homeserver, events given up",
            self.dead_letters.clone(),
        );
        registry.register(
            "queue_depth",
            "Messages that wait or are being answered",
            self.queue_depth.clone(),
        );
        registry.register(
            "answer_latency_seconds",
            "Time from taking a message in to the end of its answer",
            self.answer_latency_seconds.clone(),
        );
    }

    /// A message was taken in.
    pub fn message_received(&self) {
        self.messages_received.inc();
    }

    /// A message was answered, so long after it was taken in.
    pub fn message_answered(&self, latency: Duration) {
        self.messages_answered.inc();
        self.answer_latency_seconds.observe(latency.as_secs_f64());
    }

    /// The answer to a message was that it failed.
    pub fn message_failed(&self) {
        self.messages_failed.inc();
    }

    /// A message found its queue full.
    pub fn message_refused(&self) {
        self.messages_refused.inc();
    }

    /// A message will never have its answer.
    pub fn message_buried(&self) {
        self.messages_buried.inc();
    }

    /// So many answers were refused for good, and so many events given up, since the database was made.
    pub fn dead_letters(&self, answers: u64, events: u64) {
        for (kind, number) in [("answer", answers), ("event", events)] {
            self.dead_letters
                .get_or_create(&KindLabels { kind })
                .set(i64::try_from(number).unwrap_or(i64::MAX));
        }
    }

    /// So many messages wait or are being answered.
    pub fn queue_depth(&self, messages: usize) {
        self.queue_depth
            .set(i64::try_from(messages).unwrap_or(i64::MAX));
    }

    /// What the last full reconcile counted: name and number.
    pub fn reconciled(&self, figures: impl IntoIterator<Item = (&'static str, u64)>) {
        for (figure, number) in figures {
            self.reconcile
                .get_or_create(&FigureLabels { figure })
                .set(i64::try_from(number).unwrap_or(i64::MAX));
        }
    }

    /// Which agents can be reached, and which cannot. Others are forgotten.
    pub fn agents_health<'a>(&self, agents: impl IntoIterator<Item = (&'a AgentId, bool)>) {
        self.agent_healthy.clear();
        for (agent, healthy) in agents {
            let agent = agent.to_string();
            self.agent_healthy
                .get_or_create(&AgentLabels { agent })
                .set(i64::from(healthy));
        }
    }

    /// A request was made again.
    pub fn send_retried(&self) {
        self.send_retries.inc();
    }

    /// The text that `/metrics` answers with.
    pub(crate) fn text(&self, sync_age: Duration) -> String {
        self.sync_age_seconds.set(sync_age.as_secs_f64());
        let mut text = String::new();
        text::encode(&mut text, &self.registry).expect("a String takes any text");
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_is_there_from_the_start() {
        let text = Metrics::new().text(Duration::from_millis(1_500));
        let version = env!("CARGO_PKG_VERSION");
        for line in [
            &format!("surfaces_build_info{{version=\"{version}\"}} 1"),
            "surfaces_sync_age_seconds 1.5",
            "surfaces_messages_received_total 0",
            "surfaces_messages_answered_total 0",
            "surfaces_messages_failed_total 0",
            "surfaces_messages_refused_total 0",
            "surfaces_messages_buried_total 0",
            "surfaces_queue_depth 0",
            "surfaces_answer_latency_seconds_count 0",
            "surfaces_send_retries_total 0",
            "# EOF",
        ] {
            assert!(
                text.lines().any(|candidate| candidate == line),
                "{line}\n{text}"
            );
        }
    }

    #[test]
    fn what_happens_is_counted() {
        let metrics = Metrics::new();
        metrics.message_received();
        metrics.clone().message_received();
        metrics.message_answered(Duration::from_secs(2));
        metrics.message_failed();
        metrics.message_refused();
        metrics.message_buried();
        metrics.dead_letters(2, 1);
        metrics.queue_depth(3);
        metrics.reconciled([("joined_rooms", 1_000), ("gone_rooms", 2)]);
        metrics.reconciled([("gone_rooms", 0)]);
        metrics.agents_health([(&AgentId::new("gone"), true)]);
        metrics.agents_health([
            (&AgentId::new("a\"b"), true),
            (&AgentId::new("other"), false),
        ]);
        metrics.send_retried();
        let text = metrics.text(Duration::ZERO);
        for line in [
            "surfaces_messages_received_total 2",
            "surfaces_messages_answered_total 1",
            "surfaces_messages_failed_total 1",
            "surfaces_messages_refused_total 1",
            "surfaces_messages_buried_total 1",
            "surfaces_dead_letters{kind=\"answer\"} 2",
            "surfaces_dead_letters{kind=\"event\"} 1",
            "surfaces_queue_depth 3",
            "surfaces_answer_latency_seconds_sum 2.0",
            "surfaces_answer_latency_seconds_bucket{le=\"1.0\"} 0",
            "surfaces_answer_latency_seconds_bucket{le=\"2.5\"} 1",
            "surfaces_reconcile{figure=\"joined_rooms\"} 1000",
            "surfaces_reconcile{figure=\"gone_rooms\"} 0",
            "surfaces_agent_healthy{agent=\"a\\\"b\"} 1",
            "surfaces_agent_healthy{agent=\"other\"} 0",
            "surfaces_send_retries_total 1",
        ] {
            assert!(
                text.lines().any(|candidate| candidate == line),
                "{line}\n{text}"
            );
        }
        assert!(!text.contains("gone\""), "{text}");
    }

    #[test]
    fn every_figure_of_the_rules_in_the_readme_is_told() {
        let metrics = Metrics::new();
        metrics.agents_health([(&AgentId::new("echo"), true)]);
        let text = metrics.text(Duration::ZERO);
        let rules = include_str!("../../README.md")
            .lines()
            .filter(|line| line.contains("expr:"));
        let mut figures = 0;
        for name in rules.flat_map(|rule| rule.split(|c: char| !c.is_alphanumeric() && c != '_')) {
            if let Some(name) = name.strip_prefix("surfaces_") {
                let family = name.strip_suffix("_total").unwrap_or(name);
                assert!(
                    text.contains(&format!("# TYPE surfaces_{family} ")),
                    "{name}"
                );
                figures += 1;
            }
        }
        assert!(figures > 0);
    }
}
