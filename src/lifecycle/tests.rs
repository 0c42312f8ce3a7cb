//! Both stages of the end, without real signals and on paused time.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use super::*;

struct SentSignals(mpsc::UnboundedReceiver<&'static str>);

impl Signals for SentSignals {
    async fn next(&mut self) -> &'static str {
        match self.0.recv().await {
            Some(signal) => signal,
            None => std::future::pending().await,
        }
    }
}

fn signals() -> (mpsc::UnboundedSender<&'static str>, SentSignals) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (sender, SentSignals(receiver))
}

/// Set when the future that holds it is dropped or done.
struct Flag(Arc<AtomicBool>);

impl Flag {
    fn new() -> (Self, Arc<AtomicBool>) {
        let flag = Arc::new(AtomicBool::new(false));
        (Self(flag.clone()), flag)
    }

    fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn the_process_ends_when_all_tasks_have_ended() {
    let tasks = Tasks::default();
    let (flag, done) = Flag::new();
    tasks.spawn("short", async move {
        sleep(Duration::from_secs(5)).await;
        flag.set();
    });
    let (_sender, signals) = signals();
    tasks.run_until_shutdown(signals, GRACE).await.unwrap();
    assert!(done.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn the_first_signal_lets_running_work_finish() {
    let tasks = Tasks::default();
    let (flag, done) = Flag::new();
    let handle = tasks.clone();
    tasks.spawn("worker", async move {
        handle.draining().cancelled().await;
        sleep(Duration::from_secs(10)).await;
        assert!(
            !handle.stop().is_cancelled(),
            "the grace period is not over"
        );
        flag.set();
    });
    let (sender, signals) = signals();
    sender.send("SIGTERM").unwrap();
    let before = Instant::now();
    tasks.run_until_shutdown(signals, GRACE).await.unwrap();
    assert!(done.load(Ordering::SeqCst));
    assert_eq!(before.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_second_signal_ends_at_once() {
    let tasks = Tasks::default();
    let handle = tasks.clone();
    tasks.spawn("worker", async move { handle.stop().cancelled().await });
    let (sender, signals) = signals();
    sender.send("SIGTERM").unwrap();
    sender.send("SIGINT").unwrap();
    let before = Instant::now();
    tasks.run_until_shutdown(signals, GRACE).await.unwrap();
    assert_eq!(before.elapsed().as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_grace_period_tells_tasks_to_let_go() {
    let tasks = Tasks::default();
    let handle = tasks.clone();
    tasks.spawn("worker", async move { handle.stop().cancelled().await });
    let (sender, signals) = signals();
    sender.send("SIGTERM").unwrap();
    let before = Instant::now();
    tasks.run_until_shutdown(signals, GRACE).await.unwrap();
    assert_eq!(before.elapsed(), GRACE);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_hears_nothing_does_not_hold_the_process() {
    let tasks = Tasks::default();
    tasks.spawn("deaf", std::future::pending());
    let (sender, signals) = signals();
    sender.send("SIGTERM").unwrap();
    let before = Instant::now();
    tasks.run_until_shutdown(signals, GRACE).await.unwrap();
    assert_eq!(before.elapsed(), GRACE + LAST_MOMENT);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_panics_ends_the_process_with_an_error() {
    let tasks = Tasks::default();
    let handle = tasks.clone();
    tasks.spawn("worker", async move { handle.draining().cancelled().await });
    tasks.spawn("clumsy", async { panic!("a {} hat", "dropped") });
    let (_sender, signals) = signals();
    let error = tasks.run_until_shutdown(signals, GRACE).await.unwrap_err();
    assert_eq!(error.to_string(), "the task clumsy panicked: a dropped hat");
}

#[tokio::test(start_paused = true)]
async fn the_first_failure_is_the_one_that_is_told() {
    #[derive(Debug, PartialEq, thiserror::Error)]
    #[error("no entry")]
    struct NoEntry;

    let tasks = Tasks::default();
    let handle = tasks.clone();
    tasks.spawn("worker", async move {
        handle.fail(NoEntry.into());
        handle.fail(anyhow!("and more"));
    });
    let (_sender, signals) = signals();
    let error = tasks.run_until_shutdown(signals, GRACE).await.unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&NoEntry));
}

#[tokio::test(start_paused = true)]
async fn a_task_can_ask_for_an_orderly_end() {
    let tasks = Tasks::default();
    let (worker, asker) = (tasks.clone(), tasks.clone());
    tasks.spawn("worker", async move { worker.draining().cancelled().await });
    tasks.spawn("asker", async move { asker.shut_down() });
    let (_sender, signals) = signals();
    tasks.run_until_shutdown(signals, GRACE).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn tasks_may_begin_others_while_the_process_ends() {
    let tasks = Tasks::default();
    let (flag, done) = Flag::new();
    let handle = tasks.clone();
    tasks.spawn("parent", async move {
        handle.draining().cancelled().await;
        handle.clone().spawn("child", async move {
            sleep(Duration::from_secs(1)).await;
            flag.set();
        });
    });
    let (sender, signals) = signals();
    sender.send("SIGTERM").unwrap();
    tasks.run_until_shutdown(signals, GRACE).await.unwrap();
    assert!(done.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn a_generation_ends_by_itself_and_leaves_the_others_alone() {
    let tasks = Tasks::default();
    let first = tasks.generation();
    let stop = first.stop().clone();
    first.spawn("worker", async move { stop.cancelled().await });
    assert!(first.let_go().await);
    assert!(!tasks.is_draining());
    let second = tasks.generation();
    assert!(!second.is_draining());
    tasks.shut_down();
    assert!(second.is_draining());
    second.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_generation_that_has_done_its_work_is_finished_before_the_process_ends() {
    let tasks = Tasks::default();
    let generation = tasks.generation();
    let follower = generation.clone();
    generation.spawn(
        "follower",
        async move { follower.draining().cancelled().await },
    );
    timeout(GRACE, generation.finish())
        .await
        .expect("a follower ends with its generation");
    assert!(!tasks.is_draining());
}

#[tokio::test(start_paused = true)]
async fn a_generation_with_a_task_that_holds_on_is_not_taken_for_ended() {
    let generation = Tasks::default().generation();
    generation.spawn("stubborn", std::future::pending());
    assert!(!generation.let_go().await);
}

#[tokio::test]
async fn a_task_of_a_generation_that_dies_ends_the_process() {
    let tasks = Tasks::default();
    let generation = tasks.generation();
    generation.fail(anyhow!("broken"));
    assert!(tasks.is_draining());
}
