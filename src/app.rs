//! Puts the parts together. The only place that names every concrete type; it decides nothing.

mod agents;
mod check;
mod checkups;
mod files;
mod sessions;

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use async_trait::async_trait;
use matrix_sdk::ruma::OwnedUserId;

pub use self::{
    agents::{Supplies, agents},
    check::check,
};
use crate::{
    cli::Failure,
    clock::{Clock, SystemClock},
    config::{Config, Credentials, InitialSync, agents::RegistrySource},
    core::{
        dispatch::{DispatchSettings, Dispatcher},
        files::FilePorts,
        ids::AgentId,
    },
    lifecycle::{GRACE, OsSignals, Tasks},
    lock::{DataLock, LockError},
    matrix::{
        bot::{Bot, BotError, FirstSync},
        client::MatrixClient,
        drafts::Drafter,
        earlier::RoomMessages,
        gaps::GapFiller,
        inbox::{self, Inbox},
        outbox::Outbox,
        pace::Pace,
        patient::PatientClient,
        provisioning::{self, Provisioner},
        questions::Questions,
        reception::{self, Allows, Reception},
        reconcile::{self, Report},
        reconciler::Reconciler,
        sdk_client::SdkClient,
        session::{self, Login, Session, SessionError},
        store::Store,
        sync::SdkSync,
        transcripts::RoomTranscripts,
    },
    ops::{DatabaseProbe, Metrics, OpsServer, Readiness},
    platform::{openai::ports::Ports, routed::Agents},
    reload::CurrentRegistry,
    workspace::Workspace,
};

/// The longest an agent may take for one answer.
const TURN_LIMIT: Duration = Duration::from_mins(15);

/// What outlives every session.
struct Process {
    config: Config,
    /// In place of `config.agents`, which is as it was at the start.
    registry: CurrentRegistry,
    clock: Arc<dyn Clock>,
    store: Store,
    readiness: Readiness,
    metrics: Metrics,
}

/// How far a start goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Until the process is asked to end.
    Run,
    /// Until rows and rooms agree.
    Reconcile,
}

/// Takes hold of the data, opens the stores, logs in, and runs. The report is that of the first reconcile.
pub async fn start(config: Config, purpose: Purpose) -> Result<Report, Failure> {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    if config.agents.source == RegistrySource::Embedded {
        tracing::info!("no agent registry is configured: the built-in mock agent answers");
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let tasks = Tasks::default();
    let registry = CurrentRegistry::new(config.agents.clone());
    agents::follow_hang_ups(&registry, &tasks)?;
    let signals = OsSignals::listen().context("signals cannot be listened to")?;
    let _held = hold(&config)?;
    let opened = Store::open(&config.matrix.db_path, clock.now())
        .context("the database cannot be opened")?;
    if let Some(aside) = &opened.moved_aside {
        tracing::error!(path = %aside.display(), "the database was corrupt: it was moved aside and is rebuilt from the homeserver");
    }
    let store = opened.store;
    let readiness = Readiness::new(Arc::clone(&clock));
    let metrics = Metrics::new();
    let mut held_open = None;
    if let (Some(addr), Purpose::Run) = (config.http_addr, purpose) {
        let server = OpsServer::bind(
            addr,
            readiness.clone(),
            metrics.clone(),
            Arc::new(store.clone()),
        )
        .await
        .context("the HTTP server cannot start")?;
        held_open = Some(server.serve_beside_work(&tasks));
    }
    let process = Process {
        config,
        registry,
        clock,
        store: store.clone(),
        readiness,
        metrics,
    };
    let report = Arc::new(std::sync::Mutex::new(Report::default()));
    let (main_tasks, main_report) = (tasks.clone(), Arc::clone(&report));
    tasks.spawn("bot", async move {
        let _held_open = held_open;
        let ended = sessions::run(&process, purpose, &main_tasks).await;
        match ended {
            Ok(found) => {
                *main_report
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner) = found;
            }
            Err(error) => main_tasks.fail(error),
        }
        main_tasks.shut_down();
    });
    let ended = tasks.run_until_shutdown(signals, GRACE).await;
    if let Err(error) = store.checkpoint().await {
        tracing::warn!(%error, "the database could not be tidied up; nothing is lost");
    }
    ended.map_err(failure)?;
    let report = report
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .clone();
    Ok(report)
}

async fn reconcile_once(bot: &Bot) -> Result<Report, BotError> {
    bot.first_sync().await?;
    Ok(bot.reconciler.full().await?)
}

async fn assemble(
    process: &Process,
    session: Session,
    first_sync: FirstSync,
    tasks: &Tasks,
) -> anyhow::Result<Bot> {
    let Process { config, .. } = process;
    let (store, metrics) = (process.store.clone(), process.metrics.clone());
    let clock = Arc::clone(&process.clock);
    let user_id = config.matrix.user_id.clone();
    let sdk = Arc::new(SdkClient::new(session.client.clone())?);
    let pace = Pace::default();
    let patient = patient(Arc::clone(&sdk) as _, tasks, &pace, metrics.clone());
    let workspace = files::workspace(config);
    let media = files::media(&sdk, &patient, &workspace, tasks);
    let supplies = supplies(config, &store, &patient, &workspace, tasks);
    let agents = agents::serve(&process.registry, supplies, metrics.clone());
    let files = files::ports(workspace, &media);
    let first_memory = store.position(&session.device_id).await?.is_none();
    let outbox = Outbox::new(Arc::clone(&patient), store.clone(), media);
    let reconciler = reconciler(process, Arc::clone(&sdk) as _, tasks);
    let provisioner = Provisioner::new(provisioning::Parts {
        client: Arc::clone(&sdk) as _,
        store: store.clone(),
        outbox: outbox.clone(),
        clock: Arc::clone(&clock),
        defaults: provisioning_defaults(config, &agents),
        amnesia_since: first_memory.then(|| clock.now()),
        reconciler: reconciler.clone(),
        tasks: tasks.clone(),
    });
    let questions = questions(config, &patient, &store);
    let earlier = Arc::new(RoomMessages::new(Arc::clone(&patient)));
    let ports = (files, earlier);
    let dispatcher = dispatcher(config, &store, &provisioner, agents, ports, &questions);
    let inbox = Inbox::new(inbox::Parts {
        client: Arc::clone(&patient),
        store: store.clone(),
        dispatcher: Arc::clone(&dispatcher),
        drafter: Drafter::new(sdk, store.clone(), tasks.clone(), pace),
        outbox: outbox.clone(),
        questions,
        reconciler: reconciler.clone(),
        clock,
        tasks: tasks.clone(),
        metrics: metrics.clone(),
        backlog_max_age: config.backlog_max_age,
        queue_limit: config.queue_limit,
        allows: allows(config),
    });
    let reception = Reception::new(reception::Parts {
        client: Arc::clone(&patient),
        store: store.clone(),
        provisioner,
        outbox,
        dispatcher,
        tasks: tasks.clone(),
        allows: allows(config),
    });
    Ok(Bot {
        source: Arc::new(SdkSync::new(session.client, user_id)),
        gaps: GapFiller::new(Arc::clone(&patient), store.clone(), tasks.clone()),
        client: patient,
        store,
        device_id: session.device_id,
        first_sync,
        reconciler,
        inbox,
        reception,
        readiness: process.readiness.clone(),
        metrics,
        tasks: tasks.clone(),
    })
}

fn reconciler(process: &Process, client: Arc<dyn MatrixClient>, tasks: &Tasks) -> Reconciler {
    let (store, defaults) = (process.store.clone(), reconcile_defaults_now(process));
    Reconciler::new(client, store, defaults, tasks.clone())
}

/// Who may use the bot.
fn allows(config: &Config) -> Allows {
    let allowed = config.people.allowed.clone();
    Arc::new(move |user| allowed.allows(user))
}

/// What agents are given of everything else.
fn supplies(
    config: &Config,
    store: &Store,
    patient: &Arc<dyn MatrixClient>,
    workspace: &Workspace,
    tasks: &Tasks,
) -> Supplies {
    Supplies {
        models: ports(store, patient, workspace),
        sessions: Arc::new(store.clone()),
        workspace: config.files.workspace_dir.clone(),
        tasks: tasks.clone(),
    }
}

/// What agents without a memory of their own are given.
fn ports(store: &Store, patient: &Arc<dyn MatrixClient>, workspace: &Workspace) -> Ports {
    Ports {
        memory: Arc::new(store.clone()),
        transcripts: Arc::new(RoomTranscripts::new(Arc::clone(patient))),
        files: Arc::new(workspace.clone()),
    }
}

fn patient(
    plain: Arc<dyn MatrixClient>,
    tasks: &Tasks,
    pace: &Pace,
    metrics: Metrics,
) -> Arc<dyn MatrixClient> {
    let on_retry = Arc::new(move |_| metrics.send_retried());
    let patient = PatientClient::new(plain, tasks.stop().clone(), on_retry);
    let patient = patient.draining_with(tasks.draining().clone());
    Arc::new(patient.pacing(pace.clone()))
}

fn questions(config: &Config, client: &Arc<dyn MatrixClient>, store: &Store) -> Questions {
    Questions::new(Arc::clone(client), store.clone(), config.permission_timeout)
}

fn dispatcher(
    config: &Config,
    store: &Store,
    rooms: &Provisioner,
    agents: Arc<Agents>,
    (files, earlier): (FilePorts, Arc<RoomMessages>),
    person: &Questions,
) -> Arc<Dispatcher> {
    let bot = &config.matrix.user_id;
    let settings = DispatchSettings {
        locale: config.people.locale,
        bot_names: vec![bot.to_string(), bot.localpart().to_owned()],
        turn_limit: TURN_LIMIT,
    };
    Arc::new(Dispatcher::new(
        Arc::new(store.clone()),
        Arc::new(rooms.clone()),
        agents,
        files,
        Arc::new(person.clone()),
        earlier,
        settings,
    ))
}

/// Takes hold of the data, or says who is in the way.
pub fn hold(config: &Config) -> Result<DataLock, Failure> {
    DataLock::take(&config.matrix.db_path, &config.matrix.store_path).map_err(|error| match error {
        LockError::Held(lock) => Failure::DataHeld { lock },
        unusable @ LockError::Unusable { .. } => Failure::Failed(unusable.into()),
    })
}

/// The login that the configuration describes.
pub fn login(config: &Config) -> Login {
    let matrix = &config.matrix;
    Login {
        homeserver: matrix.homeserver.clone(),
        user_id: matrix.user_id.clone(),
        credentials: match &matrix.credentials {
            Credentials::Password(password) => {
                session::Credentials::Password(password.expose().to_owned())
            }
            Credentials::AccessToken { token, device_id } => session::Credentials::AccessToken {
                token: token.expose().to_owned(),
                device_id: device_id.as_ref().map(ToString::to_string),
            },
        },
        store_path: matrix.store_path.clone(),
        device_name: config.people.brand.clone(),
    }
}

const fn first_sync(config: &Config) -> FirstSync {
    match config.matrix.initial_sync {
        InitialSync::Auto => FirstSync::Auto,
        InitialSync::Full => FirstSync::Full,
    }
}

fn provisioning_defaults(config: &Config, agents: &Arc<Agents>) -> provisioning::Defaults {
    provisioning::Defaults {
        brand: config.people.brand.clone(),
        locale: config.people.locale,
        agents: Arc::clone(agents),
    }
}

fn reconcile_defaults(config: &Config, default_agent: &AgentId) -> reconcile::Defaults {
    let bot: &OwnedUserId = &config.matrix.user_id;
    reconcile::Defaults {
        agent_id: default_agent.clone(),
        brand: config.people.brand.clone(),
        server_name: bot.server_name().to_string(),
        locale: config.people.locale,
    }
}

/// The same, at each call by the registry that is in force.
fn reconcile_defaults_now(process: &Process) -> impl Fn() -> reconcile::Defaults + use<> {
    let registry = process.registry.clone();
    let at_start = reconcile_defaults(&process.config, &registry.get().default);
    move || reconcile::Defaults {
        agent_id: registry.get().default.clone(),
        ..at_start.clone()
    }
}

/// Credentials that were refused have an exit code of their own.
pub fn failure(error: anyhow::Error) -> Failure {
    match error.downcast_ref::<SessionError>() {
        Some(SessionError::Refused(_)) => Failure::CredentialsRefused(error),
        _ => Failure::Failed(error),
    }
}

#[async_trait]
impl DatabaseProbe for Store {
    async fn answers(&self) -> Result<(), String> {
        self.ping().await.map_err(|error| error.to_string())
    }
}
