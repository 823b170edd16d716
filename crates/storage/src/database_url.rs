use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sea_orm::sqlx::postgres::PgConnectOptions;

/// Where a database is.
///
/// ```
/// use ratchet_storage::DatabaseUrl;
/// let file: DatabaseUrl = "sqlite://data/ratchet.db".parse()?;
/// assert_eq!(file.to_string(), "sqlite://data/ratchet.db");
/// assert_eq!("data/ratchet.db".parse::<DatabaseUrl>()?, file);
/// let server: DatabaseUrl = "postgres://ratchet:secret@db.example/ratchet".parse()?;
/// assert_eq!(server.to_string(), "postgres://ratchet@db.example:5432/ratchet");
/// assert!("mysql://db.example/ratchet".parse::<DatabaseUrl>().is_err());
/// # Ok::<(), ratchet_storage::DatabaseUrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(pub(crate) Location);

#[derive(Clone)]
pub(crate) enum Location {
    Sqlite(PathBuf),
    Postgres {
        /// As it was given, password included: never to be shown.
        url: String,
        options: Box<PgConnectOptions>,
    },
}

/// A text that says of no database where it is.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseUrlError {
    /// Nothing was given.
    #[error(
        "the database URL is empty: give a file (sqlite://ratchet.db) or a server (postgres://user@host/name)"
    )]
    Empty,
    /// The databases of this scheme are not supported.
    #[error("{scheme}:// is not supported: give sqlite://file or postgres://user@host/name")]
    Scheme {
        /// What stood before `://`.
        scheme: String,
    },
    /// A database in memory was asked for.
    #[error(
        "a database in memory loses every job with the process: give a file, such as sqlite://ratchet.db"
    )]
    InMemory,
    /// An option of the file is not known.
    #[error("sqlite option \"{option}\" is not known: give the file alone, or with ?mode=rwc")]
    Option {
        /// The option.
        option: String,
    },
    /// The address of the server cannot be understood. The URL itself is not told: it may hold a password.
    #[error("the PostgreSQL URL cannot be understood")]
    Postgres {
        /// Why.
        #[source]
        source: sea_orm::sqlx::Error,
    },
}

impl DatabaseUrl {
    /// The file, if the database is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &self.0 {
            Location::Sqlite(path) => Some(path),
            Location::Postgres { .. } => None,
        }
    }

    /// As it was given, options included, with `***` for a password and for what may hold a secret. Two places whose
    /// text is the same may differ in these.
    #[must_use]
    pub fn masked(&self) -> String {
        match &self.0 {
            Location::Sqlite(_) => self.to_string(),
            Location::Postgres { url, .. } => masked(url),
        }
    }
}

/// The options of a PostgreSQL URL that hold no secret; of any other, only the name is shown.
const OPEN_OPTIONS: [&str; 10] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];

fn masked(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let rest = rest.split('#').next().unwrap_or(rest);
    let (place, options) = match rest.split_once('?') {
        Some((place, options)) => (place, Some(options)),
        None => (rest, None),
    };
    let (authority, path) = place.split_at(place.find('/').unwrap_or(place.len()));
    let authority = match authority.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((user, _)) => format!("{user}:***@{host}"),
            None => format!("{user}@{host}"),
        },
        None => authority.to_owned(),
    };
    let options = options.map_or_else(String::new, |options| {
        let shown = options.split('&').map(|option| {
            let name = option.split('=').next().unwrap_or(option);
            if OPEN_OPTIONS.contains(&name) {
                option.to_owned()
            } else {
                format!("{name}=***")
            }
        });
        format!("?{}", shown.collect::<Vec<_>>().join("&"))
    });
    format!("{scheme}://{authority}{path}{options}")
}

impl PartialEq for Location {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sqlite(one), Self::Sqlite(other)) => one == other,
            (Self::Postgres { url: one, .. }, Self::Postgres { url: other, .. }) => one == other,
            (Self::Sqlite(_), Self::Postgres { .. }) | (Self::Postgres { .. }, Self::Sqlite(_)) => false,
        }
    }
}

impl Eq for Location {}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() {
            return Err(DatabaseUrlError::Empty);
        }
        match text.split_once("://") {
            Some(("sqlite", file)) => sqlite(file),
            Some(("postgres" | "postgresql", _)) => Ok(Self(Location::Postgres {
                url: text.to_owned(),
                options: Box::new(
                    text.parse()
                        .map_err(|source| DatabaseUrlError::Postgres { source })?,
                ),
            })),
            Some((scheme, _)) => Err(DatabaseUrlError::Scheme {
                scheme: scheme.to_owned(),
            }),
            None => sqlite(text.strip_prefix("sqlite:").unwrap_or(text)),
        }
    }
}

fn sqlite(file: &str) -> Result<DatabaseUrl, DatabaseUrlError> {
    let path = match file.split_once('?') {
        None | Some((_, "mode=rwc")) => file.split('?').next().unwrap_or(file),
        Some((_, option)) => {
            return Err(DatabaseUrlError::Option {
                option: option.to_owned(),
            });
        }
    };
    if path == ":memory:" {
        return Err(DatabaseUrlError::InMemory);
    }
    if path.is_empty() {
        return Err(DatabaseUrlError::Empty);
    }
    Ok(DatabaseUrl(Location::Sqlite(PathBuf::from(path))))
}

impl fmt::Display for DatabaseUrl {
    /// Never shows a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Location::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Location::Postgres { options, .. } => write!(
                f,
                "postgres://{}@{}:{}/{}",
                options.get_username(),
                options.get_host(),
                options.get_port(),
                options.get_database().unwrap_or(options.get_username()),
            ),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_can_be_written_in_four_ways() {
        for text in [
            "sqlite://folder/a.db",
            "sqlite:folder/a.db",
            "folder/a.db",
            "sqlite://folder/a.db?mode=rwc",
        ] {
            let url: DatabaseUrl = text.parse().unwrap();
            assert_eq!(url.file(), Some(Path::new("folder/a.db")), "{text}");
        }
        let absolute: DatabaseUrl = "sqlite:///var/lib/a.db".parse().unwrap();
        assert_eq!(absolute.file(), Some(Path::new("/var/lib/a.db")));
    }

    #[test]
    fn what_is_no_database_is_refused_in_words() {
        for (text, words) in [
            ("", "is empty"),
            ("sqlite://", "is empty"),
            ("sqlite::memory:", "in memory"),
            ("mysql://host/db", "mysql:// is not supported"),
            ("sqlite://a.db?cache=shared", "\"cache=shared\" is not known"),
            ("postgres://host:port/db", "cannot be understood"),
        ] {
            let refused = text.parse::<DatabaseUrl>().unwrap_err().to_string();
            assert!(refused.contains(words), "{text}: {refused}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let url: DatabaseUrl = "postgresql://me:secret@db:6432/jobs".parse().unwrap();
        assert_eq!(format!("{url:?}"), "DatabaseUrl(postgres://me@db:6432/jobs)");
    }

    #[test]
    fn a_masked_url_has_its_options_and_no_secret() {
        for (text, masked) in [
            ("postgres://me:s3:cr@et@db/jobs", "postgres://me:***@db/jobs"),
            (
                "postgres://me@db/jobs?sslmode=require",
                "postgres://me@db/jobs?sslmode=require",
            ),
            (
                "postgresql://db:6432?password=secret&user=me",
                "postgresql://db:6432?password=***&user=me",
            ),
            (
                "postgres://me:secret@db/jobs?pass%77ord=x",
                "postgres://me:***@db/jobs?pass%77ord=***",
            ),
        ] {
            assert_eq!(super::masked(text), masked);
        }
        let file: DatabaseUrl = "a.db".parse().unwrap();
        assert_eq!(file.masked(), "sqlite://a.db");
    }
}
