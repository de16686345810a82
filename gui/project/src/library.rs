//! The directory of all projects.

use std::path::{Path, PathBuf};

use nearsay_store::{Store, StoreError};

const PROJECTS: &str = "projects";

/// The directory that contains all projects, within the app's data directory.
#[must_use]
pub fn projects_dir(data: &Path) -> PathBuf {
    data.join(PROJECTS)
}

/// Chooses an unused directory for a new project, derived from its name.
///
/// # Errors
/// If the store cannot tell whether a directory exists.
pub fn choose_project_dir(
    store: &dyn Store,
    data: &Path,
    name: &str,
) -> Result<PathBuf, StoreError> {
    let slug: String = name
        .chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() => c.to_ascii_lowercase(),
            _ => '-',
        })
        .take(40)
        .collect();
    let slug = match slug.trim_matches('-') {
        "" => "project",
        slug => slug,
    };
    let projects = projects_dir(data);
    for number in 1_u32.. {
        let dir = match number {
            1 => projects.join(slug),
            _ => projects.join(format!("{slug}-{number}")),
        };
        if !store.exists(&dir)? {
            return Ok(dir);
        }
    }
    Ok(projects.join(slug))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearsay_store::MemStore;

    #[test]
    fn choose_project_dir_numbers_projects_of_one_name() {
        let store = MemStore::new();
        let first = choose_project_dir(&store, Path::new("/d"), "Häufige Fragen!").unwrap();
        store.create_dir_all(&first).unwrap();
        let second = choose_project_dir(&store, Path::new("/d"), "Häufige Fragen!").unwrap();
        assert_eq!(first, Path::new("/d/projects/h-ufige-fragen"));
        assert_ne!(first, second);
        assert!(
            choose_project_dir(&store, Path::new("/d"), "…")
                .unwrap()
                .ends_with("project")
        );
    }
}
