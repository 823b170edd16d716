use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use cargo_metadata::{DependencyKind, Metadata};
use serde::Deserialize;

use crate::cargo::Cargo;
use crate::error::Error;

const LIST: &str = include_str!("../layers.toml");

/// Stands for any package in a list of dev-dependencies.
const ANY: &str = "*";

/// Compares the workspace with the list and tells every difference.
pub(crate) fn run(cargo: &Cargo) -> Result<(), Error> {
    let packages = Dependencies::read(cargo.metadata());
    let differences = LayerList::parse(LIST)?.compare(&packages);
    for difference in &differences {
        eprintln!("{difference}");
    }
    if differences.is_empty() {
        let edges: usize = packages.values().map(|package| package.normal.len()).sum();
        println!(
            "{} packages and the {edges} edges between them are as listed",
            packages.len()
        );
        Ok(())
    } else {
        Err(Error::Layers {
            count: differences.len(),
        })
    }
}

/// `layers.toml`; the file says what its fields mean.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LayerList {
    package: BTreeMap<String, Layer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Layer {
    normal: BTreeSet<String>,
    #[serde(default)]
    dev: BTreeSet<String>,
    #[serde(default)]
    forbidden: Vec<String>,
}

/// What a package depends on directly.
#[derive(Default)]
struct Dependencies {
    /// Packages of the workspace, as normal or build dependencies.
    normal: BTreeSet<String>,
    /// Packages of the workspace, as dev-dependencies.
    dev: BTreeSet<String>,
    /// All other packages, dev-dependencies aside.
    external: BTreeSet<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Difference {
    NotListed {
        package: String,
    },
    PackageGone {
        package: String,
    },
    NotAllowed {
        package: String,
        dependency: String,
        list: &'static str,
    },
    EdgeGone {
        package: String,
        dependency: String,
        list: &'static str,
    },
    Forbidden {
        package: String,
        dependency: String,
        pattern: String,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotListed { package } => {
                write!(f, "{package} is not listed: give it a [package.{package}]")
            }
            Self::PackageGone { package } => write!(f, "{package} is listed, but there is no such package"),
            Self::NotAllowed {
                package,
                dependency,
                list,
            } => write!(
                f,
                "{package} depends on {dependency}, which its list `{list}` does not allow"
            ),
            Self::EdgeGone {
                package,
                dependency,
                list,
            } => write!(
                f,
                "{package} does not depend on {dependency} any more: take it off its list `{list}`"
            ),
            Self::Forbidden {
                package,
                dependency,
                pattern,
            } => write!(
                f,
                "{package} depends on {dependency}, which it must not know (`{pattern}`)"
            ),
        }
    }
}

impl LayerList {
    fn parse(text: &str) -> Result<Self, Error> {
        toml::from_str(text).map_err(|error| Error::LayerList(Box::new(error)))
    }

    fn compare(&self, packages: &BTreeMap<String, Dependencies>) -> Vec<Difference> {
        let mut differences = Vec::new();
        for (package, found) in packages {
            match self.package.get(package) {
                Some(layer) => differences.extend(layer.compare(package, found)),
                None => differences.push(Difference::NotListed {
                    package: package.clone(),
                }),
            }
        }
        for package in self
            .package
            .keys()
            .filter(|package| !packages.contains_key(*package))
        {
            differences.push(Difference::PackageGone {
                package: package.clone(),
            });
        }
        differences
    }
}

impl Layer {
    fn compare(&self, package: &str, found: &Dependencies) -> Vec<Difference> {
        // What production code may use, tests may use too.
        let extra: BTreeSet<String> = found.dev.difference(&self.normal).cloned().collect();
        let mut differences = compare_edges(package, "normal", &found.normal, &self.normal);
        if !self.dev.contains(ANY) {
            differences.extend(compare_edges(package, "dev", &extra, &self.dev));
        }
        for dependency in &found.external {
            if let Some(pattern) = self.forbidden.iter().find(|pattern| matches(pattern, dependency)) {
                differences.push(Difference::Forbidden {
                    package: package.to_owned(),
                    dependency: dependency.clone(),
                    pattern: pattern.clone(),
                });
            }
        }
        differences
    }
}

fn compare_edges(
    package: &str,
    list: &'static str,
    found: &BTreeSet<String>,
    listed: &BTreeSet<String>,
) -> Vec<Difference> {
    let not_allowed = found.difference(listed).map(|dependency| Difference::NotAllowed {
        package: package.to_owned(),
        dependency: dependency.clone(),
        list,
    });
    let gone = listed.difference(found).map(|dependency| Difference::EdgeGone {
        package: package.to_owned(),
        dependency: dependency.clone(),
        list,
    });
    not_allowed.chain(gone).collect()
}

/// Whether a package's name is the pattern, or begins as the pattern does before its closing `*`.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == pattern,
    }
}

impl Dependencies {
    /// What each package of the workspace depends on, on any platform and with any feature.
    fn read(metadata: &Metadata) -> BTreeMap<String, Self> {
        let members: BTreeSet<String> = metadata
            .workspace_packages()
            .iter()
            .map(|package| package.name.to_string())
            .collect();
        let mut packages = BTreeMap::new();
        for package in metadata.workspace_packages() {
            let mut found = Self::default();
            for dependency in &package.dependencies {
                // A package's tests may depend on the package itself, with further features.
                if *package.name == dependency.name {
                    continue;
                }
                let list = match (members.contains(&dependency.name), dependency.kind) {
                    (true, DependencyKind::Development) => &mut found.dev,
                    (true, _) => &mut found.normal,
                    (false, DependencyKind::Development) => continue,
                    (false, _) => &mut found.external,
                };
                list.insert(dependency.name.clone());
            }
            packages.insert(package.name.to_string(), found);
        }
        packages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(list: &str, package: &str, found: Dependencies) -> Vec<String> {
        let packages = BTreeMap::from([(package.to_owned(), found)]);
        let differences = LayerList::parse(list).unwrap().compare(&packages);
        differences.iter().map(ToString::to_string).collect()
    }

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_workspace_is_layered_as_listed() {
        let cargo = Cargo::locate().unwrap();
        let differences = LayerList::parse(LIST)
            .unwrap()
            .compare(&Dependencies::read(cargo.metadata()));
        let differences: Vec<_> = differences.iter().map(ToString::to_string).collect();
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }

    #[test]
    fn an_edge_that_is_not_listed_is_told() {
        let found = Dependencies {
            normal: names(&["below"]),
            ..Dependencies::default()
        };
        assert_eq!(
            compare("[package.above]\nnormal = []", "above", found),
            ["above depends on below, which its list `normal` does not allow"]
        );
    }

    #[test]
    fn a_listed_edge_that_does_not_exist_is_told() {
        assert_eq!(
            compare(
                "[package.above]\nnormal = ['below']",
                "above",
                Dependencies::default()
            ),
            ["above does not depend on below any more: take it off its list `normal`"]
        );
    }

    #[test]
    fn a_package_must_be_listed_and_exist() {
        assert_eq!(
            compare("[package.old]\nnormal = []", "new", Dependencies::default()),
            [
                "new is not listed: give it a [package.new]",
                "old is listed, but there is no such package"
            ]
        );
    }

    #[test]
    fn tests_may_use_what_production_code_may_and_what_their_own_list_names() {
        let list = "[package.above]\nnormal = ['below']\ndev = ['beside']";
        let found = Dependencies {
            normal: names(&["below"]),
            dev: names(&["below", "beside"]),
            ..Dependencies::default()
        };
        assert!(compare(list, "above", found).is_empty());
    }

    #[test]
    fn a_list_may_let_tests_use_anything() {
        let found = Dependencies {
            dev: names(&["below", "beside"]),
            ..Dependencies::default()
        };
        assert!(compare("[package.above]\nnormal = []\ndev = ['*']", "above", found).is_empty());
    }

    #[test]
    fn a_forbidden_package_is_told_by_name_or_beginning() {
        let list = "[package.above]\nnormal = []\nforbidden = ['sea-*', 'sqlx']";
        let found = Dependencies {
            external: names(&["sea-orm", "search", "sqlx", "sqlx-core"]),
            ..Dependencies::default()
        };
        assert_eq!(
            compare(list, "above", found),
            [
                "above depends on sea-orm, which it must not know (`sea-*`)",
                "above depends on sqlx, which it must not know (`sqlx`)"
            ]
        );
    }
}
