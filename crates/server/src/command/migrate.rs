use clap::Subcommand;
use ratchet_storage::{Database, DatabaseUrl, StorageError};

use crate::cli::{CliError, CommonArgs};

#[derive(Debug, Subcommand)]
pub(crate) enum MigrateCommand {
    /// Apply every pending migration
    Up,
    /// Roll back the last migrations; their tables' data is lost
    Down {
        /// How many
        #[arg(short = 'n', long = "steps", value_name = "N", default_value_t = 1)]
        steps: u32,
        /// Do not ask: the data is lost
        #[arg(long)]
        yes: bool,
    },
    /// List the migrations and whether they are applied
    Status,
    /// Roll everything back and apply it again; all data is lost
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
        let runtime = tokio::runtime::Runtime::new().map_err(|error| CliError::failed(&error))?;
        let text = runtime
            .block_on(self.apply(url))
            .map_err(|error| CliError::failed(&error))?;
        print!("{text}");
        Ok(())
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
                let migrations = database.migration_status().await?;
                let line = |applied: bool, name: &str| {
                    format!("{} {name}\n", if applied { "applied" } else { "pending" })
                };
                migrations
                    .iter()
                    .map(|migration| line(migration.applied, &migration.name))
                    .collect()
            }
            Self::Up => match database.migrate().await? {
                0 => "nothing is pending\n".to_owned(),
                applied => format!("{applied} applied\n"),
            },
            Self::Down { steps, .. } => {
                database.migrate_down(steps).await?;
                format!("the last {steps} rolled back\n")
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
