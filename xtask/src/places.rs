use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The directories of the PATH.
pub(crate) fn on_path() -> Vec<PathBuf> {
    env::var_os("PATH").iter().flat_map(env::split_paths).collect()
}

/// The entries of the parents, each with the beginning of the name that it must have; none where there is no parent.
pub(crate) fn entries(parents: &[(&str, &str)]) -> Vec<PathBuf> {
    parents
        .iter()
        .flat_map(|(parent, prefix)| entries_of(Path::new(parent), prefix))
        .collect()
}

fn entries_of(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    // A parent that cannot be read holds no program that we could run.
    fs::read_dir(parent)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_by_the_beginning_of_their_name() {
        let parent = tempfile::tempdir().unwrap();
        for name in ["pgsql-15", "pgsql-16", "lib"] {
            fs::create_dir(parent.path().join(name)).unwrap();
        }
        let mut found = entries_of(parent.path(), "pgsql-");
        found.sort();
        assert_eq!(
            found,
            [parent.path().join("pgsql-15"), parent.path().join("pgsql-16")]
        );
        assert!(entries_of(&parent.path().join("missing"), "").is_empty());
    }
}
