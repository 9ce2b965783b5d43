//! Directories that can be used, and those that cannot.

use tempfile::TempDir;

use super::*;

fn check(prepare: impl Fn(&Path), expected: &str) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("data");
    fs::create_dir(&path).unwrap();
    prepare(&path);
    let error = DataDirectory::open(path.clone()).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains(expected) && error.contains(path.to_str().unwrap()), "{expected:?} is not in {error:?}");
    assert!(error.contains("--data-dir: ") && !error.contains('\n'), "{error:?}");
}

/// An index of ours with a document in it.
fn fill(path: &Path) {
    let directory = DataDirectory::open(path.to_owned()).unwrap();
    let mut writer = directory.writer(1000).unwrap();
    let source = r#"{"@timestamp":1,"message":"a"}"#;
    let document = document::Document::parse(source).unwrap();
    writer.add_document(document.into_tantivy(&directory.fields(), "logs/1", "logs", source)).unwrap();
    writer.commit().unwrap();
}

fn files(path: &Path, extension: &str) -> Vec<PathBuf> {
    let paths = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let found: Vec<_> = paths.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    assert!(!found.is_empty(), "no {extension} in {}", path.display());
    found
}

#[test]
fn one_at_a_time() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a/b");
    let first = DataDirectory::open(path.clone()).unwrap();
    let error = DataDirectory::open(path.clone()).err().unwrap();
    assert!(matches!(error, Error::InUse { .. }), "{error}");
    drop(first);
    DataDirectory::open(path.clone()).unwrap();
    assert!(!path.join(PROBE).exists());
}

#[test]
fn a_directory_that_takes_nothing_is_named() {
    check(|path| fs::remove_dir(path).and_then(|()| fs::write(path, "x")).unwrap(), "cannot write in");
    check(|path| fs::create_dir(path.join(LOCK)).unwrap(), "cannot write in");
}

#[test]
fn an_index_that_is_damaged_is_named() {
    let rubbish = |path: &Path, name: &str| fs::write(path.join(name), "rubbish").unwrap();
    check(|path| rubbish(path, "meta.json"), "holds no index that can be read");
    for extension in ["term", "fast", "store", "idx", "pos"] {
        for length in [0, 1, 40] {
            let cut = |path: &Path| {
                fill(path);
                for file in files(path, extension) {
                    File::options().write(true).open(file).unwrap().set_len(length).unwrap();
                }
            };
            check(cut, "holds no index that can be read");
        }
        check(
            |path| {
                fill(path);
                files(path, extension).iter().for_each(|file| fs::remove_file(file).unwrap());
            },
            "holds no index that can be read",
        );
    }
}

#[test]
fn an_index_of_another_kind_is_named() {
    let foreign = |path: &Path| {
        let mut schema = tantivy::schema::Schema::builder();
        schema.add_text_field("title", tantivy::schema::TEXT);
        Index::create_in_dir(path, schema.build()).unwrap();
    };
    check(foreign, "made by another program or another version");
    check(
        |path| {
            fill(path);
            fs::remove_file(path.join("meta.json")).unwrap();
        },
        "meta.json is missing",
    );
}

#[test]
fn what_a_killed_process_left_behind_is_no_hindrance() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    fill(path);
    let unfinished = [".tmpAbc", "0123456789abcdef0123456789abcdef.store"].map(|name| path.join(name));
    unfinished.iter().for_each(|file| fs::write(file, "half").unwrap());
    fs::write(path.join("notes.txt"), "not ours").unwrap();
    let directory = DataDirectory::open(path.to_owned()).unwrap();
    directory.writer(1000).unwrap();
    assert_eq!(directory.searcher().num_docs(), 1);
    assert_eq!(unfinished.iter().filter(|file| file.exists()).count(), 0);
    assert!(path.join("notes.txt").exists());
}
