//! From `sslmode`, `sslrootcert`, `sslcert` and `sslkey` to a TLS connector, with libpq's defaults.
//!
//! Reads the certificate files, once per run. Owns no socket; `verify` judges certificates.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::conninfo::{Ssl, SslMode, TlsVersions};

use super::verify::{Authorities, Verifier};

/// What `sslrootcert` says for the operating system's own authorities.
const SYSTEM: &str = "system";
/// The protocol that a direct TLS handshake announces.
const ALPN: &[u8] = b"postgresql";

/// The mode that counts: the system's authorities vouch for everybody, so only a name check makes them
/// mean something.
pub(super) fn effective_mode(ssl: &Ssl) -> SslMode {
    match ssl.mode {
        SslMode::Disable => SslMode::Disable,
        _ if ssl.root_cert.as_deref() == Some(SYSTEM) => SslMode::VerifyFull,
        mode => mode,
    }
}

/// Those that the operating system trusts.
pub(crate) fn system_authorities() -> Vec<CertificateDer<'static>> {
    rustls_native_certs::load_native_certs().certs
}

/// What encrypts.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The connector for these settings; what is missing in `ssl` is looked for in `home`. The error says
/// which setting cannot be used.
pub(super) fn connector(ssl: &Ssl, home: Option<&Path>) -> Result<MakeRustlsConnect, String> {
    let mode = effective_mode(ssl);
    let authorities = authorities(ssl, home)?;
    if authorities.is_none() && mode >= SslMode::VerifyCa {
        return Err("sslmode=verify-ca and verify-full need the server's authority: name it with \
                    sslrootcert=FILE or sslrootcert=system"
            .into());
    }
    if ssl.direct && mode < SslMode::Require {
        return Err("sslnegotiation=direct needs sslmode=require or stronger".into());
    }
    let provider = provider();
    let verifier = Verifier {
        authorities,
        check_name: mode == SslMode::VerifyFull,
        algorithms: provider.signature_verification_algorithms,
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(ssl.versions))
        .map_err(|fault| format!("TLS cannot be set up: {fault}"))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match client_certificate(ssl, home)? {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            builder.with_client_auth_cert(chain, key).map_err(|fault| unusable(&fault))?
        }
    };
    config.enable_sni = !ssl.hide_name;
    if ssl.direct {
        config.alpn_protocols = vec![ALPN.to_vec()];
    }
    Ok(MakeRustlsConnect::new(config))
}

/// What is wrong with a client certificate and its key.
fn unusable(fault: &rustls::Error) -> String {
    let words = fault.to_string();
    match fault {
        rustls::Error::InconsistentKeys(_) => {
            "the key of sslkey is not that of the certificate of sslcert".to_owned()
        }
        _ if words.contains("UnsupportedCertVersion") => {
            "the certificate of sslcert is one of X.509 version 1: make one of version 3 (openssl x509 -req with -extfile)"
                .to_owned()
        }
        _ => format!("sslcert and sslkey cannot be used: {words}"),
    }
}

fn versions(allowed: TlsVersions) -> Vec<&'static SupportedProtocolVersion> {
    match allowed {
        TlsVersions::Both => vec![&TLS13, &TLS12],
        TlsVersions::Only12 => vec![&TLS12],
        TlsVersions::Only13 => vec![&TLS13],
    }
}

/// As in libpq, known authorities are asked in every mode, not only in the verifying ones.
fn authorities(ssl: &Ssl, home: Option<&Path>) -> Result<Option<Authorities>, String> {
    let certificates = match &ssl.root_cert {
        Some(name) if name == SYSTEM => system_authorities(),
        given => match file(given.as_deref(), home, "root.crt") {
            Some(path) => certificates("sslrootcert", &path)?,
            None => return Ok(None),
        },
    };
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(certificates.iter().cloned());
    if usable == 0 {
        return Err("sslrootcert: no usable certificate found".into());
    }
    Ok(Some(Authorities { roots, certificates }))
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn client_certificate(ssl: &Ssl, home: Option<&Path>) -> Result<Option<Identity>, String> {
    let path = file(ssl.cert.as_deref(), home, "postgresql.crt").filter(|_| !ssl.no_cert);
    let Some(path) = path else { return Ok(None) };
    let chain = certificates("sslcert", &path)?;
    let Some(path) = file(ssl.key.as_deref(), home, "postgresql.key") else {
        return Err(format!(
            "sslcert {} needs its private key: name it with sslkey",
            path.display()
        ));
    };
    check_private(&path)?;
    let key = PrivateKeyDer::from_pem_file(&path).map_err(|fault| match fault {
        pem::Error::NoItemsFound => {
            format!("sslkey {}: no unencrypted private key in it", path.display())
        }
        fault => unreadable("sslkey", &path, fault),
    })?;
    Ok(Some((chain, key)))
}

/// As libpq: a key that others may read is no secret. Root may let a group read its own.
fn check_private(path: &Path) -> Result<(), String> {
    let found = std::fs::metadata(path)
        .map_err(|fault| unreadable("sslkey", path, pem::Error::Io(fault)))?;
    let others = if found.uid() == 0 { 0o037 } else { 0o077 };
    if found.is_file() && found.mode() & others != 0 {
        return Err(format!(
            "sslkey {} may be read by others: chmod 600 it (640 if root owns it)",
            path.display()
        ));
    }
    Ok(())
}

/// The file that was named, whether it exists or not, else the usual one if it exists.
fn file(named: Option<&str>, home: Option<&Path>, usual: &str) -> Option<PathBuf> {
    match named {
        Some(name) => Some(PathBuf::from(name)),
        None => home.map(|home| home.join(".postgresql").join(usual)).filter(|path| path.exists()),
    }
}

fn certificates(setting: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|fault| unreadable(setting, path, fault))?;
    if found.is_empty() {
        return Err(format!("{setting} {}: no certificate in it", path.display()));
    }
    Ok(found)
}

fn unreadable(setting: &str, path: &Path, fault: pem::Error) -> String {
    let why = match fault {
        pem::Error::Io(fault) => super::failure::os_words(&fault),
        fault => fault.to_string(),
    };
    format!("{setting} {}: {why}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(ssl: &Ssl) -> String {
        connector(ssl, None).map(|_| ()).expect_err("these settings cannot be used")
    }

    #[derive(Debug, thiserror::Error)]
    #[error("of another version")]
    struct UnsupportedCertVersion;

    #[test]
    fn a_certificate_of_an_old_version_is_called_that() {
        let fault = rustls::OtherError(std::sync::Arc::new(UnsupportedCertVersion));
        let fault = rustls::Error::InvalidCertificate(rustls::CertificateError::Other(fault));
        assert!(unusable(&fault).contains("X.509 version 1"), "{}", unusable(&fault));
    }

    #[test]
    fn settings_that_cannot_be_used_are_named() {
        let mode = |mode| Ssl { mode, ..Ssl::default() };
        let file = |name: &str| Some(name.to_owned());
        let cases = [
            (
                mode(SslMode::VerifyFull),
                "sslmode=verify-ca and verify-full need the server's authority: name it with \
                 sslrootcert=FILE or sslrootcert=system",
            ),
            (
                Ssl { root_cert: file("/nowhere/r.crt"), ..mode(SslMode::Require) },
                "sslrootcert /nowhere/r.crt: no such file or directory",
            ),
            (
                Ssl { cert: file("/nowhere/c.crt"), ..mode(SslMode::Require) },
                "sslcert /nowhere/c.crt: no such file or directory",
            ),
            (
                Ssl { direct: true, ..mode(SslMode::Prefer) },
                "sslnegotiation=direct needs sslmode=require or stronger",
            ),
        ];
        for (ssl, expected) in cases {
            assert_eq!(said(&ssl), expected);
        }
    }

    #[test]
    fn the_usual_file_counts_when_it_exists_and_a_named_one_always() {
        let home = std::env::temp_dir().join(format!("pgsync-home-{}", std::process::id()));
        let usual = home.join(".postgresql/root.crt");
        assert_eq!(file(None, Some(&home), "root.crt"), None);
        std::fs::create_dir_all(home.join(".postgresql")).expect("a folder can be made");
        std::fs::write(&usual, "").expect("a file can be made");
        assert_eq!(file(None, Some(&home), "root.crt"), Some(usual));
        assert_eq!(file(Some("a.crt"), Some(&home), "root.crt"), Some("a.crt".into()));
        std::fs::remove_dir_all(&home).expect("the folder can be removed");
    }

    #[test]
    fn the_systems_authorities_need_the_name() {
        let system = |mode| Ssl { mode, root_cert: Some(SYSTEM.into()), ..Ssl::default() };
        assert_eq!(effective_mode(&system(SslMode::Prefer)), SslMode::VerifyFull);
        assert_eq!(effective_mode(&system(SslMode::Disable)), SslMode::Disable);
    }
}
