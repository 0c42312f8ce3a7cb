//! Carries messages between a link and the protocol's machinery until one of them ends.

use std::time::Duration;

use agent_client_protocol::Channel;
use futures_util::{SinkExt, StreamExt};
use tokio::{
    task::yield_now,
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};

use super::{
    gate::Gate,
    link::{Incoming, Link, Outgoing},
};

/// Between two questions for a sign of life.
const PULSE: Duration = Duration::from_secs(30);
/// Silence that long means that the other end is gone.
const SILENCE: Duration = Duration::from_secs(100);
/// How long what a process said before its end may take to be read.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long what came before the end of the stream may take to be taken in.
const LAST_MESSAGES: Duration = Duration::from_millis(50);
/// After so many messages everybody else has a turn.
const IN_A_ROW: usize = 32;

/// Ends when the connection does; the gate knows why.
pub(super) async fn run(link: &mut Link, channel: Channel, gate: &Gate) {
    let (mut from_us, to_us) = channel.into_parts();
    let Link {
        incoming,
        outgoing,
        has_pulse,
        far_end,
    } = link;
    let has_pulse = *has_pulse;
    let reading = async {
        let mut in_a_row = 0;
        loop {
            let silent = sleep_until(Instant::now() + SILENCE);
            let message = tokio::select! {
                message = incoming.next() => message,
                () = silent, if has_pulse => return gate.close("it shows no sign of life"),
            };
            match message {
                Some(Ok(Incoming::Message(text))) => {
                    if let Some(frame) = gate.admit(&text)
                        && to_us.unbounded_send(frame).is_err()
                    {
                        return gate.close("it was given up");
                    }
                }
                Some(Ok(Incoming::Pulse)) => {}
                Some(Err(error)) => return gate.close(error.to_string()),
                None => {
                    // An answer that came last is on its way through the protocol's machinery.
                    sleep(LAST_MESSAGES).await;
                    return gate.close("the agent ended it");
                }
            }
            in_a_row += 1;
            if in_a_row % IN_A_ROW == 0 {
                yield_now().await;
            }
        }
    };
    let writing = async {
        let mut pulse = interval(PULSE);
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let message = tokio::select! {
                frame = from_us.next() => match frame {
                    None => return gate.close("it was given up"),
                    Some(frame) => {
                        gate.sent(&frame);
                        let Ok(text) = frame.to_json() else { continue };
                        Outgoing::Message(text)
                    }
                },
                _ = pulse.tick(), if has_pulse => Outgoing::Pulse,
            };
            if let Err(error) = outgoing.send(message).await {
                return gate.close(format!("the agent takes no messages: {error}"));
            }
        }
    };
    let watching = async {
        far_end.gone().await;
        // Its last words may still be on their way.
        sleep(LAST_WORDS).await;
        gate.close("the agent's process ended");
    };
    tokio::select! {
        () = reading => {}
        () = writing => {}
        () = watching => {}
        () = gate.closed() => {}
    }
}
