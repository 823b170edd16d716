use clap::Subcommand;
use ratchet_storage::{Database, DatabaseUrl, MigrationState, StorageError};

use crate::cli::{CliError, CommonArgs, print};
use crate::command::stored::refuse_missing_file;

#[derive(Debug, Subcommand)]
pub(crate) enum MigrateCommand {
    /// Apply every pending migration
    #[command(after_help = "Examples:\n  ratchet migrate up --database sqlite://ratchet.db")]
    Up,
    /// Roll back the last migrations; their tables' data is lost
    #[command(after_help = "Examples:\n  ratchet migrate down -n 1 --yes")]
    Down {
        /// How many, 1 or more
        #[arg(short = 'n', long = "steps", value_name = "N", default_value_t = 1,
              value_parser = clap::value_parser!(u32).range(1..))]
        steps: u32,
        /// Do not ask: the data is lost
        #[arg(long)]
        yes: bool,
    },
    /// List the migrations and whether they are applied
    #[command(after_help = "Examples:\n  ratchet migrate status")]
    Status,
    /// Roll everything back and apply it again; all data is lost
    #[command(after_help = "Examples:\n  ratchet migrate fresh --yes")]
    Fresh {
        /// Do not ask: the data is lost
        #[arg(long)]
        yes: bool,
    },
}

impl MigrateCommand {
    pub(crate) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let settings = common.settings()?;
        let url = settings.database.url;
        if let Self::Down { yes: false, .. } | Self::Fresh { yes: false } = self {
            return Err(CliError::Usage(format!(
                "this destroys data in {url}: repeat it with --yes if that is meant"
            )));
        }
        if let Self::Status | Self::Down { .. } = self {
            refuse_missing_file(&url)?;
        }
        let runtime = tokio::runtime::Runtime::new().map_err(|error| CliError::failed(&error))?;
        let text = runtime
            .block_on(self.apply(url))
            .map_err(|error| CliError::failed(&error))?;
        print(&text)
    }

    async fn apply(self, url: DatabaseUrl) -> Result<String, StorageError> {
        let database = Database::open(url).await?;
        // A running server must not lose its tables; looking at them does no harm.
        let _lock = match self {
            Self::Status => None,
            Self::Up | Self::Down { .. } | Self::Fresh { .. } => Some(database.lock_exclusively().await?),
        };
        let text = match self {
            Self::Status => {
                let line = |MigrationState { name, applied }| {
                    format!("{} {name}\n", if applied { "applied" } else { "pending" })
                };
                database.migration_status().await?.into_iter().map(line).collect()
            }
            Self::Up => match database.migrate().await? {
                0 => "nothing is pending\n".to_owned(),
                applied => format!("{applied} applied\n"),
            },
            Self::Down { steps, .. } => {
                let before = applied(&database).await?;
                database.migrate_down(steps).await?;
                // The lock is held: nobody else has changed the number meanwhile.
                match before - applied(&database).await? {
                    0 => "nothing is applied\n".to_owned(),
                    rolled_back => format!("{rolled_back} rolled back\n"),
                }
            }
            Self::Fresh { .. } => {
                database.fresh().await?;
                "all rolled back and applied again\n".to_owned()
            }
        };
        database.close().await?;
        Ok(text)
    }
}

async fn applied(database: &Database) -> Result<usize, StorageError> {
    let migrations = database.migration_status().await?;
    Ok(migrations.iter().filter(|migration| migration.applied).count())
}
