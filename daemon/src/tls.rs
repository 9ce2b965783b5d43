//! TLS serving: configurations with certificates from PEM files or self-signed. Handshakes are the server's affair.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A serving certificate that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The PEM file cannot be read or holds no certificate or key.
    #[error("cannot read {path}: {source}")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: rustls::pki_types::pem::Error,
    },
    /// The key does not fit the certificate, or is of an unknown kind.
    #[error("cannot serve with this certificate: {0}")]
    Config(#[from] rustls::Error),
    /// No self-signed certificate could be made.
    #[error("cannot make a self-signed certificate: {0}")]
    SelfSigned(#[from] rcgen::Error),
}

/// Makes ring the process's crypto provider. Clients and servers call it before their first TLS use; again is harmless.
pub fn install_crypto() {
    // An error means that one is installed already.
    let _installed = rustls::crypto::ring::default_provider().install_default();
}

/// A serving configuration from a PEM certificate chain and key; ALPN offers HTTP/2 and HTTP/1.1.
///
/// # Errors
/// A file is unreadable, or key and certificate do not fit.
pub fn from_files(cert_file: &Path, key_file: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let pem = |path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::Pem { path, source }
    };
    let chain = CertificateDer::pem_file_iter(cert_file).and_then(Iterator::collect).map_err(pem(cert_file))?;
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(pem(key_file))?;
    config(chain, key)
}

/// A serving configuration with a new self-signed certificate for `names` (host names or addresses).
///
/// # Errors
/// A name is not one.
pub fn self_signed(names: &[&str]) -> Result<Arc<ServerConfig>, TlsError> {
    let made = rcgen::generate_simple_self_signed(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    config(vec![made.cert.der().clone()], key.into())
}

fn config(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Arc<ServerConfig>, TlsError> {
    install_crypto();
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
