//! Where the things of a project are kept.

use std::path::{Path, PathBuf};

/// The folder for the model of an FAQ file: named after the file, and different for two files of
/// the same name in different places.
pub fn model_dir(data_dir: &Path, file: &Path) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let name: String = stem
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') {
                c
            } else {
                '_'
            }
        })
        .take(40)
        .collect();
    let mark = fnv1a(file.as_os_str().as_encoded_bytes());
    data_dir
        .join("projects")
        .join(format!("{name}-{mark:08x}"))
        .join("model")
}

/// FNV-1a, 32 bits: the same on every machine and in every version.
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stable_tame_and_apart() {
        let one = model_dir(Path::new("/d"), Path::new("/a/../etc/häufige fragen.csv"));
        assert_eq!(
            one,
            model_dir(Path::new("/d"), Path::new("/a/../etc/häufige fragen.csv"))
        );
        assert!(one.starts_with("/d/projects") && one.ends_with("model"));
        assert!(one.to_string_lossy().contains("h_ufige_fragen-"));
        assert_ne!(
            one,
            model_dir(Path::new("/d"), Path::new("/b/häufige fragen.csv"))
        );
    }
}
