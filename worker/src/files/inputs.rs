//! Which files are meant, and where what is made of them goes.

use heim_common::spec::TranscodingSpec;
use std::{
    collections::HashMap,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

/// A file that is to be worked on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Input {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Its name, below the folder that was given.
    pub(super) place: PathBuf,
}

/// Why the files cannot be worked on as they were given.
#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    #[error("{}: cannot be read", .0.display())]
    Read(PathBuf, #[source] io::Error),
    #[error("{}: neither a file nor a folder", .0.display())]
    Neither(PathBuf),
    #[error("no file is in what was given")]
    None,
    #[error("{} and {} would be written to the same place: give them one by one", .0.display(), .1.display())]
    SamePlace(PathBuf, PathBuf),
    #[error("{} would be overwritten: choose another folder", .0.display())]
    Overwritten(PathBuf),
}

impl Input {
    /// The file to which a transcoding of it is written.
    pub(super) fn output(&self, spec: &TranscodingSpec, out: &Path) -> PathBuf {
        let ending = spec.content_type.content_type().rsplit('/').next().unwrap_or_default();
        let mut name = self.place.as_os_str().to_owned();
        name.push(format!(".{}.{ending}", spec.name));
        out.join(name)
    }
}

/// All files, those of a folder in the order of their names. What is made, and
/// what begins with a dot, is left out of a folder.
pub(super) fn find(given: &[PathBuf], out: &Path) -> Result<Vec<Input>, InputError> {
    let out = fs::canonicalize(out).ok();
    let mut found = Vec::new();
    for path in given {
        let about = fs::metadata(path).map_err(|error| InputError::Read(path.clone(), error))?;
        if about.is_dir() {
            walk(path, out.as_deref(), &mut found)?;
        } else if about.is_file() {
            let place = path.file_name().unwrap_or(OsStr::new("original")).into();
            found.push(Input { path: path.clone(), place });
        } else {
            return Err(InputError::Neither(path.clone()));
        }
    }
    if found.is_empty() {
        return Err(InputError::None);
    }
    let mut places = HashMap::new();
    for input in &found {
        if let Some(other) = places.insert(&input.place, &input.path) {
            return Err(InputError::SamePlace(other.clone(), input.path.clone()));
        }
    }
    Ok(found)
}

/// Refuses what would write over an input.
pub(super) fn check_outputs(inputs: &[Input], specs: &[TranscodingSpec], out: &Path) -> Result<(), InputError> {
    let whole = |path: &Path| fs::canonicalize(path).ok();
    let taken: std::collections::HashSet<_> = inputs.iter().filter_map(|input| whole(&input.path)).collect();
    let outputs = inputs.iter().flat_map(|input| specs.iter().map(|spec| input.output(spec, out)));
    for output in outputs {
        if whole(&output).is_some_and(|path| taken.contains(&path)) {
            return Err(InputError::Overwritten(output));
        }
    }
    Ok(())
}

/// A link to a folder is not followed: it may lead back to where it is.
fn walk(folder: &Path, out: Option<&Path>, found: &mut Vec<Input>) -> Result<(), InputError> {
    let cannot_read = |path: &Path| {
        let path = path.to_owned();
        move |error| InputError::Read(path, error)
    };
    let mut folders = vec![PathBuf::new()];
    let begun = found.len();
    while let Some(place) = folders.pop() {
        let path = folder.join(&place);
        for entry in fs::read_dir(&path).map_err(cannot_read(&path))? {
            let entry = entry.map_err(cannot_read(&path))?;
            let (path, place) = (entry.path(), place.join(entry.file_name()));
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let kind = entry.file_type().map_err(cannot_read(&path))?;
            if kind.is_dir() {
                if out.is_none() || fs::canonicalize(&path).ok().as_deref() != out {
                    folders.push(place);
                }
            } else if fs::metadata(&path).map_err(cannot_read(&path))?.is_file() {
                found.push(Input { path, place });
            }
        }
    }
    found[begun..].sort_by(|a, b| a.place.cmp(&b.place));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use heim_common::spec::default_specs;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        folder
    }

    #[test]
    fn a_folder_is_walked_in_order_and_what_was_made_is_left_out() {
        let given = folder(&["b.jpg", "a/b.jpg", "a/b.png", "out/b.jpg.thumb-160.webp", ".DS_Store"]);
        std::os::unix::fs::symlink(given.path(), given.path().join("again")).unwrap();
        let found = find(&[given.path().to_owned()], &given.path().join("out")).unwrap();
        let places: Vec<_> = found.iter().map(|input| input.place.to_str().unwrap()).collect();
        assert_eq!(places, ["a/b.jpg", "a/b.png", "b.jpg"]);
        let output = found[0].output(&default_specs()[0], Path::new("/out"));
        assert_eq!(output, Path::new("/out/a/b.jpg.thumb-160.webp"));
    }

    #[test]
    fn nothing_is_written_over() {
        let given = folder(&["a/cat.jpg", "b/cat.jpg", "c/dog.jpg", "c/dog.jpg.thumb-160.webp"]);
        let path = |place: &str| given.path().join(place);
        let out = path("out");
        assert!(matches!(find(&[path("a/cat.jpg"), path("b/cat.jpg")], &out), Err(InputError::SamePlace(..))));
        assert!(matches!(find(&[path("a"), path("b")], &out), Err(InputError::SamePlace(..))));
        assert_eq!(find(&[given.path().to_owned()], &out).unwrap().len(), 4);
        let inputs = find(&[path("c")], &out).unwrap();
        assert!(check_outputs(&inputs, &default_specs(), &out).is_ok());
        let over = check_outputs(&inputs, &default_specs(), &path("c"));
        assert!(matches!(over, Err(InputError::Overwritten(_))), "{over:?}");
    }

    #[test]
    fn what_is_not_there_is_said() {
        let given = folder(&[".hidden"]);
        let out = given.path().join("out");
        assert!(matches!(find(&[given.path().join("no.jpg")], &out), Err(InputError::Read(..))));
        assert!(matches!(find(&[given.path().to_owned()], &out), Err(InputError::None)));
        assert!(matches!(find(&["/dev/null".into()], &out), Err(InputError::Neither(_))));
    }
}
