//! A world in one line: the fake homeserver, a database file, and the bot put together as `app.rs` does.
//!
//! Time is paused: it passes only while everything waits, so that no test is slow and none depends on luck. Between two
//! calls of [`World::until`] the bot stands still. Killing it drops its runtime with every task in it, wherever they are.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use matrix_sdk::ruma::RoomId;
use surfaces_bot::{
    clock::Clock,
    lifecycle::{GRACE, Signals, Tasks},
    matrix::{
        bot::BotError,
        client::{SyncFrom, SyncSource},
        pace::Pace,
        reconcile::{self, Mode, Report, observe::observe},
        state::Snapshot,
        store::{Store, rows::Rows},
    },
};
use tempfile::TempDir;
use tokio::{runtime::Runtime, time::Instant};

use super::{
    assembly::{Settings, assemble, clients},
    clock::WorldClock,
    fake_matrix::{FakeMatrix, Server},
    fake_sync::FakeSync,
    log::Log,
    person::{Person, Resident},
};

/// The longest a test waits for anything, in its own time.
const LIMIT: Duration = Duration::from_mins(10);
/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

pub(crate) struct World {
    pub(crate) matrix: FakeMatrix,
    pub(crate) clock: Arc<WorldClock>,
    pub(crate) settings: Settings,
    pub(crate) log: Log,
    folder: TempDir,
    running: Option<Running>,
}

struct Running {
    runtime: Runtime,
    tasks: Tasks,
    store: Store,
    ended: Arc<Mutex<Option<String>>>,
}

/// One session after the other, as `app.rs` begins them.
struct Session {
    settings: Settings,
    matrix: FakeMatrix,
    clock: Arc<WorldClock>,
    store: Store,
}

impl Session {
    /// Tells how the last one ended.
    async fn until_the_end(mut self, tasks: &Tasks) -> String {
        loop {
            let generation = tasks.generation();
            let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
            let store = self.store.clone();
            let bot = assemble(&self.settings, &self.matrix, clock, store, &generation).await;
            match bot.run().await {
                Err(BotError::NewClientNeeded(first_sync)) => {
                    drop(bot);
                    assert!(generation.let_go().await, "tasks outlive their session");
                    self.settings.first_sync = first_sync;
                }
                Ok(()) | Err(BotError::ShuttingDown) => {
                    generation.finish().await;
                    return "as it was asked to".to_owned();
                }
                Err(error) => return format!("{error:?}"),
            }
        }
    }
}

/// How waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// What was waited for has come.
    Reached,
    /// The process died.
    Killed,
}

impl World {
    /// Nobody is there yet, and the bot does not run.
    pub(crate) fn new() -> Self {
        let clock = Arc::new(WorldClock::new());
        let folder = folder();
        let settings = Settings {
            workspace: folder.path().join("workspace"),
            ..Settings::default()
        };
        Self {
            matrix: FakeMatrix::new(Arc::clone(&clock)),
            clock,
            settings,
            log: Log::default(),
            folder,
            running: None,
        }
    }

    /// With the bot running.
    pub(crate) fn running() -> Self {
        let mut world = Self::new();
        world.start();
        world
    }

    /// With the bot running, and one user at home.
    pub(crate) fn with_alice() -> (Self, Resident) {
        let world = Self::running();
        let alice = world.welcomes("@alice:hs");
        (world, alice)
    }

    /// A new user invites the bot, waits for the pointer and joins what was made.
    pub(crate) fn welcomes(&self, id: &str) -> Resident {
        let person = self.person(id);
        let entry = person.invites_the_bot();
        self.until("the pointer", |server| server.has_pointed_in(&entry));
        let home = self.matrix.home_of(&person.id);
        person.joins(home.space());
        person.joins(home.chat());
        Resident {
            space: home.space().to_owned(),
            chat: home.chat().to_owned(),
            person,
            entry,
        }
    }

    /// The answer to what this person says in this room.
    pub(crate) fn ask(&self, person: &Person, room: &RoomId, text: &str) -> String {
        let question = person.says(room, text);
        self.until(text, |server| server.is_done_with(room, &question));
        self.matrix.answer_to(room, &question)
    }

    pub(crate) fn person(&self, id: &str) -> Person {
        Person::new(&self.matrix, id)
    }

    /// Somebody else in a room of the bot.
    pub(crate) fn has_a_guest(&self, id: &str, room: &RoomId) -> Person {
        let guest = self.person(id);
        self.matrix.change(|server| {
            let bot = server.bot.clone();
            server.append_member(room, &bot, &guest.id, "invite");
        });
        guest.joins(room);
        guest
    }

    pub(crate) fn start(&mut self) {
        assert!(self.running.is_none(), "the bot runs already");
        self.matrix.change(|server| server.requests.dead = false);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .max_blocking_threads(4)
            .build()
            .unwrap();
        self.clock.runs_with(runtime.handle());
        let store = self.open_store();
        let tasks = Tasks::default();
        let ended: Arc<Mutex<Option<String>>> = Arc::default();
        let _inside = runtime.enter();
        let session = Session {
            settings: self.settings.clone(),
            matrix: self.matrix.clone(),
            clock: Arc::clone(&self.clock),
            store: store.clone(),
        };
        let (how, main_tasks) = (Arc::clone(&ended), tasks.clone());
        tasks.spawn("bot", async move {
            let words = session.until_the_end(&main_tasks).await;
            *how.lock().unwrap_or_else(PoisonError::into_inner) = Some(words);
            main_tasks.shut_down();
        });
        self.running = Some(Running {
            runtime,
            tasks,
            store,
            ended,
        });
    }

    fn open_store(&self) -> Store {
        let opened = Store::open(&self.folder.path().join("bot.db"), self.clock.now()).unwrap();
        assert_eq!(opened.moved_aside, None);
        opened.store
    }

    /// Lets the world go on until the condition holds or the process dies.
    pub(crate) fn until_killed_or(&self, what: &str, holds: impl Fn(&Server) -> bool) -> Ended {
        let running = self.running.as_ref().expect("the bot runs");
        let _log = self.log.listen();
        running.runtime.block_on(async {
            let limit = Instant::now() + LIMIT;
            loop {
                if self.matrix.see(|server| server.requests.dead) {
                    return Ended::Killed;
                }
                if self.matrix.see(&holds) {
                    return Ended::Reached;
                }
                assert!(
                    Instant::now() < limit,
                    "this never came: {what}\n{}",
                    self.log.tail()
                );
                assert!(
                    !running.tasks.is_draining(),
                    "the bot ended by itself: {:?}\n{}",
                    running.ended,
                    self.log.tail()
                );
                tokio::time::sleep(LOOK_EVERY).await;
            }
        })
    }

    /// Lets the world go on until the condition holds.
    pub(crate) fn until(&self, what: &str, holds: impl Fn(&Server) -> bool) {
        assert_eq!(self.until_killed_or(what, holds), Ended::Reached, "{what}");
    }

    /// Lets the world go on until the bot ends by itself; tells why it did.
    pub(crate) fn until_the_bot_ends(&mut self) -> String {
        let running = self.running.take().expect("the bot runs");
        let _log = self.log.listen();
        let has_ended = || {
            let how = running.ended.lock();
            how.unwrap_or_else(PoisonError::into_inner).is_some()
        };
        let ends = async {
            running.tasks.draining().cancelled().await;
            while !has_ended() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let ended = running
            .runtime
            .block_on(async { tokio::time::timeout(LIMIT, ends).await });
        assert!(ended.is_ok(), "the bot goes on\n{}", self.log.tail());
        self.clock.stops();
        let how = running.ended.lock().unwrap_or_else(PoisonError::into_inner);
        how.clone().expect("the bot says why")
    }

    /// Lets the world go on for so long.
    pub(crate) fn goes_on_for(&self, time: Duration) {
        let running = self.running.as_ref().expect("the bot runs");
        let _log = self.log.listen();
        running
            .runtime
            .block_on(async { tokio::time::sleep(time).await });
        assert!(
            !running.tasks.is_draining(),
            "the bot ended: {:?}\n{}",
            running.ended,
            self.log.tail()
        );
    }

    /// Long enough for everything that is under way to come to its end.
    pub(crate) fn settles(&self) {
        self.goes_on_for(Duration::from_mins(3));
    }

    /// The end that no process sees coming. The database and the homeserver stay as they are.
    pub(crate) fn kill(&mut self) {
        self.clock.stops();
        self.matrix.change(|server| server.requests.dead = true);
        drop(self.running.take());
    }

    pub(crate) fn restart(&mut self) {
        self.kill();
        self.start();
    }

    /// The bot is killed, and its database deleted.
    pub(crate) fn kill_and_wipe(&mut self) {
        self.kill();
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(self.folder.path().join(format!("bot.db{suffix}")));
        }
    }

    /// The bot is killed, and the SDK's store lost: it logs in as another device.
    pub(crate) fn kill_and_lose_the_device(&mut self) {
        self.kill();
        self.settings.device.push_str("_NEXT");
    }

    /// And the SDK's store with it: the bot logs in as another device.
    pub(crate) fn kill_and_wipe_all(&mut self) {
        self.kill_and_wipe();
        self.settings.device.push_str("_NEXT");
    }

    /// A file that an agent has made.
    pub(crate) fn has_in_the_workspace(&self, path: &str, content: &[u8]) {
        let path = self.settings.workspace.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// The content of a file in the workspace.
    pub(crate) fn in_the_workspace(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.settings.workspace.join(path)).unwrap()
    }

    /// SIGTERM; tells how the bot's main loop ended.
    pub(crate) fn shut_down(&mut self) -> Option<String> {
        let running = self.running.take().expect("the bot runs");
        let _log = self.log.listen();
        running
            .runtime
            .block_on(running.tasks.run_until_shutdown(OneSignal(true), GRACE))
            .unwrap();
        self.clock.stops();
        let ended = running.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.clone()
    }

    /// What `reconcile --check` beside the running bot says: its database against the full state of the server.
    pub(crate) fn check(&self) -> Report {
        let running = self.running.as_ref().expect("the bot runs");
        let (_, client) = clients(
            &self.settings,
            &self.matrix,
            &Pace::default(),
            &running.tasks,
        );
        let source = FakeSync::new(self.matrix.clone());
        let defaults = self.settings.for_found_rooms();
        running.runtime.block_on(async {
            let batch = source.sync(SyncFrom::Nothing, Duration::ZERO).await;
            let joined = client.joined_rooms().await.unwrap();
            let snapshot = Snapshot::of_full_sync(batch.unwrap(), &joined, client.user_id());
            let outcome = reconcile::run(
                client.as_ref(),
                &running.store,
                observe(&snapshot, client.user_id()),
                &defaults,
                &Mode::Check,
            );
            outcome.await.unwrap().report
        })
    }

    pub(crate) fn rows(&self) -> Rows {
        self.with_store(|store| async move { store.rows().await.unwrap() })
    }

    /// Asks the database, whether the bot runs or not.
    pub(crate) fn with_store<T, F: Future<Output = T>>(&self, ask: impl FnOnce(Store) -> F) -> T {
        if let Some(running) = &self.running {
            return running.runtime.block_on(ask(running.store.clone()));
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(ask(self.open_store()))
    }
}

/// In memory where the system has such a place: hundreds of databases are made and thrown away.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

/// A signal, and never another one.
struct OneSignal(bool);

impl Signals for OneSignal {
    async fn next(&mut self) -> &'static str {
        if std::mem::take(&mut self.0) {
            return "SIGTERM";
        }
        std::future::pending().await
    }
}
