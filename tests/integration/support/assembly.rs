//! The bot over the fakes, put together as `app.rs` does it over the SDK.

use std::{path::PathBuf, sync::Arc, time::Duration};

use matrix_sdk::ruma::{UserId, owned_user_id};
use surfaces_bot::{
    clock::Clock,
    core::{
        chat::Locale,
        dispatch::{DispatchSettings, Dispatcher},
        files::{ChatFiles, FilePorts},
        ids::AgentId,
    },
    lifecycle::Tasks,
    matrix::{
        bot::{Bot, FirstSync},
        client::MatrixClient,
        drafts::Drafter,
        earlier::RoomMessages,
        gaps::GapFiller,
        inbox::{self, Inbox},
        media::Media,
        outbox::Outbox,
        pace::Pace,
        patient::PatientClient,
        provisioning::{self, Provisioner},
        questions::Questions,
        reception::{self, Allows, Reception},
        reconcile,
        reconciler::Reconciler,
        store::Store,
    },
    ops::{Metrics, Readiness},
    platform::{Agent, Limits, PlatformClient, mock::MockAgent, routed::Agents},
    workspace::{FileLimits, Workspace},
};

use super::{
    fake_client::FakeClient, fake_matrix::FakeMatrix, fake_media::FakeMedia, fake_sync::FakeSync,
};

/// What a test decides about the bot.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) device: String,
    pub(crate) first_sync: FirstSync,
    pub(crate) locale: Locale,
    pub(crate) backlog_max_age: Duration,
    pub(crate) queue_limit: u32,
    pub(crate) workspace: PathBuf,
    pub(crate) file_limits: FileLimits,
    pub(crate) permission_timeout: Duration,
    /// Who may use the bot.
    pub(crate) allows: Allows,
    /// The default agent first. They outlive the bot, as agents elsewhere do.
    pub(crate) agents: Vec<(&'static str, Arc<dyn PlatformClient>)>,
}

impl Default for Settings {
    fn default() -> Self {
        let echo = MockAgent::new(AgentId::new("assistant")).with_pause(Duration::ZERO);
        Self {
            device: "DEVICE".to_owned(),
            first_sync: FirstSync::Auto,
            locale: Locale::En,
            backlog_max_age: Duration::from_hours(24),
            queue_limit: 100,
            workspace: PathBuf::new(),
            file_limits: FileLimits {
                file: 100_000,
                user: 1 << 20,
            },
            permission_timeout: Duration::from_mins(5),
            allows: Arc::new(|user: &UserId| user.server_name() == "hs"),
            agents: vec![("assistant", Arc::new(echo))],
        }
    }
}

impl Settings {
    fn agents(&self) -> Arc<Agents> {
        let agents = self.agents.iter().map(|(id, client)| Agent {
            id: AgentId::new(*id),
            name: (*id).to_owned(),
            description: String::new(),
            users: Vec::new(),
            limits: Limits::default(),
            client: Arc::clone(client),
        });
        Arc::new(Agents::new(agents.collect(), self.default_agent()))
    }

    fn default_agent(&self) -> AgentId {
        AgentId::new(self.agents[0].0)
    }

    fn for_new_rooms(&self, agents: &Arc<Agents>) -> provisioning::Defaults {
        provisioning::Defaults {
            brand: "Lambda".to_owned(),
            locale: self.locale,
            agents: Arc::clone(agents),
        }
    }

    pub(crate) fn for_found_rooms(&self) -> reconcile::Defaults {
        reconcile::Defaults {
            agent_id: self.default_agent(),
            brand: "Lambda".to_owned(),
            server_name: "hs".to_owned(),
            locale: self.locale,
        }
    }
}

pub(crate) async fn assemble(
    settings: &Settings,
    matrix: &FakeMatrix,
    clock: Arc<dyn Clock>,
    store: Store,
    tasks: &Tasks,
) -> Bot {
    let pace = Pace::default();
    let (plain, patient) = clients(settings, matrix, &pace, tasks);
    let (media, ports) = files(settings, matrix, &patient, tasks);
    let agents = settings.agents();
    let first_memory = store.position(&settings.device).await.unwrap().is_none();
    let outbox = Outbox::new(Arc::clone(&patient), store.clone(), media);
    let defaults = settings.for_found_rooms();
    let defaults = move || defaults.clone();
    let reconciler = Reconciler::new(Arc::clone(&plain), store.clone(), defaults, tasks.clone());
    let provisioner = Provisioner::new(provisioning::Parts {
        client: Arc::clone(&plain),
        store: store.clone(),
        outbox: outbox.clone(),
        clock: Arc::clone(&clock),
        defaults: settings.for_new_rooms(&agents),
        amnesia_since: first_memory.then(|| clock.now()),
        reconciler: reconciler.clone(),
        tasks: tasks.clone(),
    });
    let timeout = settings.permission_timeout;
    let questions = Questions::new(Arc::clone(&patient), store.clone(), timeout);
    let ask = Arc::new(questions.clone());
    let dispatcher = dispatcher(settings, &store, &provisioner, agents, ports, ask, &patient);
    let dispatcher = Arc::new(dispatcher);
    let metrics = Metrics::new();
    let inbox = Inbox::new(inbox::Parts {
        client: Arc::clone(&patient),
        store: store.clone(),
        dispatcher: Arc::clone(&dispatcher),
        drafter: Drafter::new(plain, store.clone(), tasks.clone(), pace),
        outbox: outbox.clone(),
        questions,
        reconciler: reconciler.clone(),
        clock: Arc::clone(&clock),
        tasks: tasks.clone(),
        metrics: metrics.clone(),
        backlog_max_age: settings.backlog_max_age,
        queue_limit: settings.queue_limit,
        allows: Arc::clone(&settings.allows),
    });
    let reception = Reception::new(reception::Parts {
        client: Arc::clone(&patient),
        store: store.clone(),
        provisioner,
        outbox,
        dispatcher,
        tasks: tasks.clone(),
        allows: Arc::clone(&settings.allows),
    });
    Bot {
        source: Arc::new(FakeSync::new(matrix.clone())),
        gaps: GapFiller::new(Arc::clone(&patient), store.clone(), tasks.clone()),
        client: patient,
        store,
        device_id: settings.device.clone(),
        first_sync: settings.first_sync,
        reconciler,
        inbox,
        reception,
        readiness: Readiness::new(clock),
        metrics,
        tasks: tasks.clone(),
    }
}

/// One attempt for each request, and as many as it takes.
pub(crate) fn clients(
    settings: &Settings,
    matrix: &FakeMatrix,
    pace: &Pace,
    tasks: &Tasks,
) -> (Arc<dyn MatrixClient>, Arc<dyn MatrixClient>) {
    let plain: Arc<dyn MatrixClient> = Arc::new(FakeClient {
        matrix: matrix.clone(),
        device: settings.device.clone(),
        bot: owned_user_id!("@bot:hs"),
    });
    let stop = tasks.stop().clone();
    let patient = PatientClient::new(Arc::clone(&plain), stop, Arc::new(|_| {}));
    let patient = patient
        .draining_with(tasks.draining().clone())
        .pacing(pace.clone());
    (plain, Arc::new(patient))
}

fn files(
    settings: &Settings,
    matrix: &FakeMatrix,
    patient: &Arc<dyn MatrixClient>,
    tasks: &Tasks,
) -> (Media, FilePorts) {
    let workspace = Workspace::new(settings.workspace.clone(), settings.file_limits);
    let files: Arc<dyn ChatFiles> = Arc::new(workspace);
    let repository = Arc::new(FakeMedia(matrix.clone()));
    let stop = tasks.stop().clone();
    let media = Media::new(repository, Arc::clone(patient), Arc::clone(&files), stop);
    let source = Arc::new(media.clone());
    (media, FilePorts { files, source })
}

fn dispatcher(
    settings: &Settings,
    store: &Store,
    rooms: &Provisioner,
    agents: Arc<Agents>,
    files: FilePorts,
    person: Arc<Questions>,
    patient: &Arc<dyn MatrixClient>,
) -> Dispatcher {
    Dispatcher::new(
        Arc::new(store.clone()),
        Arc::new(rooms.clone()),
        agents,
        files,
        person,
        Arc::new(RoomMessages::new(Arc::clone(patient))),
        DispatchSettings {
            locale: settings.locale,
            bot_names: vec!["@bot:hs".to_owned(), "bot".to_owned()],
            turn_limit: Duration::from_mins(15),
        },
    )
}
