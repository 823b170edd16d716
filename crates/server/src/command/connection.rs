//! How a command reaches the API: a server over HTTP, or the same routes in this process over the database. A command is
//! written once, as the requests that it makes.

mod call;
mod database;
mod remote;
mod watch;

use ratchet_interfaces::{Clock, Fact};
use ratchet_scheduler::SystemClock;
use ratchet_storage::{Database, MigrationState, StorageError};
use serde_json::{Map, Value};

pub(crate) use call::{Answer, Call};
use database::InProcess;
use remote::Remote;
pub(crate) use watch::News;

use crate::cli::{CliError, CommonArgs, note};
use crate::command::stored::missing_file;
use crate::command::table::harmless;
use crate::settings::Settings;

/// Names the server, unless a flag does.
pub(crate) const SERVER_VARIABLE: &str = "RATCHET_SERVER";
/// Holds the token. There is no flag for it: flags stand in the list of processes.
pub(crate) const TOKEN_VARIABLE: &str = "RATCHET_TOKEN";

/// The most rows of a page of the API.
const PAGE: u64 = 100;

/// What a command is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Only look: that can be done beside a server that cannot be reached.
    Read,
    /// Change something, which must go through the server if one uses the database.
    Change,
    /// The same, and a database may begin with it: it is made and brought up as `ratchet serve` does.
    Begin,
}

impl Purpose {
    /// Whether something may be changed.
    const fn changes(self) -> bool {
        !matches!(self, Self::Read)
    }
}

/// The API, wherever it is.
pub(crate) struct Connection {
    way: Way,
}

enum Way {
    Server(Box<Remote>),
    Database(Box<InProcess>),
}

/// The rows of a list, as far as they were wanted.
pub(crate) struct Rows {
    pub(crate) rows: Vec<Value>,
    /// How many there are altogether, as far as they can be read.
    pub(crate) total: u64,
}

/// Does what a command does, with the API.
pub(crate) fn connected<T>(
    common: &CommonArgs,
    purpose: Purpose,
    command: impl AsyncFnOnce(&Connection) -> Result<T, CliError>,
) -> Result<T, CliError> {
    with_connection(Connection::open(common, purpose), command)
}

/// As [`connected`], but without a server that was named the database itself is asked, also beside one that uses it: for
/// what a server must see of others at every request, and may itself ask for, and for what is only read and takes no engine.
pub(crate) fn connected_beside<T>(
    common: &CommonArgs,
    purpose: Purpose,
    command: impl AsyncFnOnce(&Connection) -> Result<T, CliError>,
) -> Result<T, CliError> {
    with_connection(Connection::open_beside(common, purpose), command)
}

fn with_connection<T>(
    opened: impl Future<Output = Result<Connection, CliError>>,
    command: impl AsyncFnOnce(&Connection) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| CliError::failed(&error))?;
    let outcome = runtime.block_on(async {
        let connection = opened.await?;
        let outcome = command(&connection).await;
        let closed = connection.close().await;
        let answer = outcome?;
        closed?;
        Ok(answer)
    });
    // What a part left running on a thread of its own does not hold the process up.
    runtime.shutdown_background();
    outcome
}

impl Connection {
    async fn open(common: &CommonArgs, purpose: Purpose) -> Result<Self, CliError> {
        let way = match common.server()? {
            Some(server) => Way::Server(Box::new(Remote::named(&server, common.token()?)?)),
            None => of_database(&common.settings()?, common, purpose).await?,
        };
        Ok(Self { way })
    }

    async fn open_beside(common: &CommonArgs, purpose: Purpose) -> Result<Self, CliError> {
        let way = match common.server()? {
            Some(server) => Way::Server(Box::new(Remote::named(&server, common.token()?)?)),
            None => {
                let settings = common.settings()?;
                let database = open(&settings, purpose).await?;
                let opened = InProcess::over(&settings, database, None, purpose)?;
                Way::Database(Box::new(opened))
            }
        };
        Ok(Self { way })
    }

    /// The API of these routes, without a database.
    #[cfg(test)]
    pub(crate) fn to(router: axum::Router) -> Self {
        let way = Way::Database(Box::new(InProcess::of(router)));
        Self { way }
    }

    /// The server at this URL.
    #[cfg(test)]
    pub(crate) fn to_server(url: &str) -> Self {
        let way = Way::Server(Box::new(Remote::named(url, None).unwrap()));
        Self { way }
    }

    /// Whether there is a server that runs jobs and fires schedules.
    pub(crate) fn has_server(&self) -> bool {
        match &self.way {
            Way::Server(_) => true,
            Way::Database(database) => database.is_beside_a_server(),
        }
    }

    /// Whether requests go to a server, and not to routes in this process.
    pub(crate) fn is_of_a_server(&self) -> bool {
        self.remote().is_some()
    }

    fn remote(&self) -> Option<&Remote> {
        match &self.way {
            Way::Server(server) => Some(server),
            Way::Database(_) => None,
        }
    }

    /// Brings the stored tasks to what the registries have, where no server does it.
    pub(crate) async fn take_tasks_in(&self) -> Result<(), CliError> {
        match &self.way {
            Way::Server(_) => Ok(()),
            Way::Database(database) => database.take_tasks_in().await,
        }
    }

    /// Sends a request, again if the server had too much to do to look at it, and takes a refusal for an error.
    pub(crate) async fn send(&self, call: Call) -> Result<Answer, CliError> {
        let clock = SystemClock::new();
        let mut asked = 0;
        loop {
            let answer = match &self.way {
                Way::Server(server) => server.send(call.clone()).await?,
                Way::Database(database) => database.send(call.clone()).await?,
            };
            asked += 1;
            match answer.pause(asked) {
                Some(pause) => clock.sleep(pause).await,
                None => return answer.accepted(),
            }
        }
    }

    pub(crate) async fn get(&self, path: impl Into<String>) -> Result<Answer, CliError> {
        self.send(Call::get(path)).await
    }

    /// Reads a list page by page, up to so many rows.
    pub(crate) async fn list(&self, call: Call, most: u64) -> Result<Rows, CliError> {
        self.list_from(call, 0, most).await
    }

    /// As [`Connection::list`], without so many rows at the beginning.
    pub(crate) async fn list_from(&self, call: Call, from: u64, most: u64) -> Result<Rows, CliError> {
        let (mut rows, mut damaged) = (Vec::new(), 0);
        loop {
            let start = from + rows.len() as u64 + damaged;
            let end = most.min(start.saturating_add(PAGE));
            let page = call.clone().with("_start", start).with("_end", end);
            let Answer { mut body, .. } = self.send(page).await?;
            let total = body["meta"]["pagination"]["total"].as_u64();
            let (Value::Array(page), Some(total)) = (body["data"].take(), total) else {
                return Err(CliError::Failed(format!("{} is no list", call.path())));
            };
            let mut read = page.len() as u64;
            for row in body["meta"]["unreadable"].as_array().into_iter().flatten() {
                note(&format!(
                    "warning: {}; it is left out",
                    harmless(row["message"].as_str().unwrap_or("a row cannot be read"))
                ));
                damaged += 1;
                read += 1;
            }
            rows.extend(page);
            if read == 0 || start + read >= most.min(total) {
                return Ok(Rows {
                    rows,
                    total: total.saturating_sub(damaged),
                });
            }
        }
    }

    async fn close(self) -> Result<(), CliError> {
        match self.way {
            Way::Server(_) => Ok(()),
            Way::Database(database) => database.close().await,
        }
    }
}

/// The server that uses the database, or the database itself where none does.
async fn of_database(settings: &Settings, common: &CommonArgs, purpose: Purpose) -> Result<Way, CliError> {
    let database = open(settings, purpose).await?;
    let in_process = |database, lock| {
        let opened = InProcess::over(settings, database, lock, purpose)?;
        Ok(Way::Database(Box::new(opened)))
    };
    match database.lock_at_once().await {
        Ok(lock) => return in_process(database, Some(lock)),
        Err(StorageError::InUse { .. }) => {}
        Err(error) => return Err(CliError::failed(&error)),
    }
    if let Some(server) = found(&database, common).await? {
        database.close().await.map_err(|error| CliError::failed(&error))?;
        return Ok(Way::Server(Box::new(server)));
    }
    if purpose == Purpose::Read {
        return in_process(database, None);
    }
    // Another command may have had the lock for a moment.
    match database.lock_exclusively().await {
        Ok(lock) => in_process(database, Some(lock)),
        Err(StorageError::InUse { location, holder }) => Err(CliError::Failed(format!(
            "a server uses the database {location} ({holder}), and cannot be reached from here: it starts, or listens \
             elsewhere. Name it with --server URL or {SERVER_VARIABLE}"
        ))),
        Err(error) => Err(CliError::failed(&error)),
    }
}

async fn open(settings: &Settings, purpose: Purpose) -> Result<Database, CliError> {
    let url = &settings.database.url;
    if purpose != Purpose::Begin
        && let Some(missing) = missing_file(url)?
    {
        return Err(CliError::Failed(format!(
            "{missing}. A server elsewhere is named with --server URL or {SERVER_VARIABLE}"
        )));
    }
    let failed = |error| CliError::failed(&error);
    let database = Database::open(url.clone()).await.map_err(failed)?;
    let migrations = database.migration_status().await.map_err(failed)?;
    let is_behind = migrations.iter().any(|MigrationState { applied, .. }| !applied);
    if is_behind && purpose == Purpose::Begin {
        let _lock = database.lock_exclusively().await.map_err(failed)?;
        database.migrate().await.map_err(failed)?;
    } else if is_behind {
        return Err(CliError::Failed(format!(
            "{url} lacks tables of this version; `ratchet serve` and `ratchet migrate up` make them"
        )));
    }
    Ok(database)
}

/// The server that has written down where it listens, if it is to be found there. Another one may be at that address by
/// now, or on this machine: which it is, it is asked before it is told anything.
async fn found(database: &Database, common: &CommonArgs) -> Result<Option<Remote>, CliError> {
    let facts = database.repositories().facts();
    let failed = |error| CliError::failed(&error);
    let address = facts.fact_find(Fact::ServerAddress).await.map_err(failed)?;
    let instance = facts.fact_find(Fact::ServerInstance).await.map_err(failed)?;
    let (Some(address), Some(instance)) = (address, instance) else {
        return Ok(None);
    };
    let Ok(address) = address.parse() else {
        return Ok(None);
    };
    let server = Remote::at(address, common.token()?)?;
    Ok(server.is(&instance).await.then_some(server))
}

/// A body of the fields that were given.
pub(crate) fn body<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let given = fields.into_iter().filter_map(|(name, value)| {
        let value = value?;
        Some((name.to_owned(), value))
    });
    Value::Object(given.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests;
