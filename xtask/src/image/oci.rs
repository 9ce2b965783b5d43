//! Writes an image of one program as a tarball in the OCI image layout: one compressed layer, a configuration, a manifest
//! and an index. The same program gives the same bytes. Archives and digests are left to tar, gzip and sha256sum.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;

/// The image of one static program.
pub struct Image {
    /// What pods call it, in full.
    pub name: String,
    /// The program's name in it, at the root.
    pub program: &'static str,
    /// Under whose numbers it runs.
    pub user: &'static str,
}

impl Image {
    /// Writes the image with the program in the file `program` to `tarball`, and gives its size.
    ///
    /// # Errors
    /// A program of the system is missing, or the disk is full.
    pub fn write(&self, program: &Path, tarball: &Path) -> anyhow::Result<u64> {
        let work = tarball.with_extension("work");
        match fs::remove_dir_all(&work) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let (content, layout) = (work.join("content"), work.join("layout"));
        fs::create_dir_all(&content)?;
        fs::create_dir_all(layout.join("blobs/sha256"))?;
        fs::copy(program, content.join(self.program)).with_context(|| format!("cannot copy {}", program.display()))?;
        let layer = work.join("layer.tar");
        archive(&content, &[self.program], &layer)?;
        let difference = digest(&layer)?;
        let (layer, layer_size) = blob(&compressed(&layer)?, &layout)?;
        let (configuration, configuration_size) = self.text(&work, &layout, &self.configuration(&difference))?;
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:{configuration}","size":{configuration_size}}},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:{layer}","size":{layer_size}}}]}}"#
        );
        let (manifest, manifest_size) = self.text(&work, &layout, &manifest)?;
        let index = format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:{manifest}","size":{manifest_size},"annotations":{{"io.containerd.image.name":"{}","org.opencontainers.image.ref.name":"{}"}}}}]}}"#,
            self.name,
            self.name.rsplit(':').next().unwrap_or_default(),
        );
        fs::write(layout.join("index.json"), index)?;
        fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
        // Beside it and moved, so that a tarball is always whole.
        let partial = work.join("image.tar");
        archive(&layout, &["oci-layout", "index.json", "blobs"], &partial)?;
        fs::rename(&partial, tarball)?;
        fs::remove_dir_all(&work)?;
        Ok(fs::metadata(tarball)?.len())
    }

    fn configuration(&self, difference: &str) -> String {
        let machine = if std::env::consts::ARCH == "aarch64" { "arm64" } else { "amd64" };
        format!(
            r#"{{"architecture":"{machine}","os":"linux","config":{{"User":"{}","Entrypoint":["/{}"],"WorkingDir":"/"}},"rootfs":{{"type":"layers","diff_ids":["sha256:{difference}"]}}}}"#,
            self.user, self.program
        )
    }

    fn text(&self, work: &Path, layout: &Path, text: &str) -> anyhow::Result<(String, u64)> {
        let path = work.join("text");
        fs::write(&path, text)?;
        blob(&path, layout)
    }
}

/// Files of a folder as an archive that does not tell when or by whom it was made.
fn archive(folder: &Path, files: &[&str], into: &Path) -> anyhow::Result<()> {
    let mut tar = Command::new("tar");
    tar.args([
        "--create",
        "--sort=name",
        "--mtime=@0",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
        "--mode=a+rX,go-w",
        "--file",
    ]);
    let status = tar.arg(into).arg("--directory").arg(folder).args(files).status().context("cannot start tar")?;
    anyhow::ensure!(status.success(), "tar failed: {status}");
    Ok(())
}

fn compressed(path: &Path) -> anyhow::Result<std::path::PathBuf> {
    let into = path.with_extension("tar.gz");
    let mut gzip = Command::new("gzip");
    let status = gzip.args(["-n", "-9"]).stdin(File::open(path)?).stdout(File::create(&into)?).status();
    anyhow::ensure!(status.context("cannot start gzip")?.success(), "gzip failed");
    Ok(into)
}

/// Moves a file among the blobs of a layout; gives its digest and size.
fn blob(path: &Path, layout: &Path) -> anyhow::Result<(String, u64)> {
    let digest = digest(path)?;
    let size = fs::metadata(path)?.len();
    fs::rename(path, layout.join("blobs/sha256").join(&digest))?;
    Ok((digest, size))
}

fn digest(path: &Path) -> anyhow::Result<String> {
    let output = Command::new("sha256sum").stdin(File::open(path)?).stderr(Stdio::inherit()).output();
    let output = output.context("cannot start sha256sum")?;
    let text = String::from_utf8(output.stdout)?;
    text.split_whitespace().next().map(str::to_owned).context("sha256sum gave no digest")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(folder: &Path, name: &str) -> Vec<u8> {
        let image = Image { name: "example.org/x:1".to_owned(), program: "x", user: "1:1" };
        fs::write(folder.join("program"), "not really").unwrap();
        let tarball = folder.join(name);
        let bytes = image.write(&folder.join("program"), &tarball).unwrap();
        let content = fs::read(tarball).unwrap();
        assert_eq!(content.len() as u64, bytes);
        content
    }

    #[test]
    fn an_image_is_whole_and_the_same_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = written(folder.path(), "first.tar");
        assert_eq!(first, written(folder.path(), "second.tar"));
        let list = Command::new("tar").arg("--list").arg("--file").arg(folder.path().join("first.tar")).output().unwrap();
        let list = String::from_utf8(list.stdout).unwrap();
        assert!(list.contains("oci-layout") && list.contains("index.json"), "{list}");
        assert_eq!(list.lines().filter(|line| line.starts_with("blobs/sha256/") && !line.ends_with('/')).count(), 3, "{list}");
    }
}
