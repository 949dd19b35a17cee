//! Whether a server's certificate is good enough, by the rules that libpq's users know: any
//! certificate, one from a known authority, or one that also names the host.
//!
//! Habits of PostgreSQL servers that the TLS library alone would refuse are honoured: a self-signed
//! certificate that is its own root, and a host named only by the subject's common name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use x509_cert::der::oid::db::rfc4519::COMMON_NAME;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::{Certificate, Version};

/// Judges the server's certificate and its signature over the handshake.
#[derive(Debug)]
pub(super) struct Verifier {
    /// None: any certificate will do.
    pub authorities: Option<Authorities>,
    /// Whether the certificate must name the host.
    pub check_name: bool,
    pub algorithms: WebPkiSupportedAlgorithms,
}

/// The TLS library cannot follow such a certificate to its authority.
#[derive(Debug, thiserror::Error)]
#[error("it is not of X.509 version 3; make it with extensions, or give itself as sslrootcert")]
struct OldVersion;

/// Who may have issued the server's certificate.
#[derive(Debug)]
pub(super) struct Authorities {
    pub roots: RootCertStore,
    /// The roots as they are: a server may use one of them as its own certificate.
    pub certificates: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(authorities) = &self.authorities else {
            return Ok(ServerCertVerified::assertion());
        };
        let read = Certificate::from_der(leaf).map_err(|_| CertificateError::BadEncoding)?;
        if authorities.certificates.iter().any(|root| root == leaf) {
            check_dates(&read, now)?;
        } else {
            if read.tbs_certificate.version != Version::V3 {
                let old = CertificateError::Other(OtherError(Arc::new(OldVersion)));
                return Err(old.into());
            }
            let parsed = ParsedCertificate::try_from(leaf)?;
            let (roots, algorithms) = (&authorities.roots, self.algorithms.all);
            verify_server_cert_signed_by_trust_anchor(
                &parsed,
                roots,
                intermediates,
                now,
                algorithms,
            )?;
        }
        if self.check_name {
            check_name(leaf, &read, host)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, leaf, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        // The library reads X.509 version 3 only, and `openssl x509 -req` made version 1 for years.
        // The key is all that is needed from a certificate that has been accepted already.
        match Certificate::from_der(leaf) {
            Ok(read) if read.tbs_certificate.version != Version::V3 => {
                let key = read.tbs_certificate.subject_public_key_info.to_der();
                let key = key.map_err(|_| CertificateError::BadEncoding)?;
                let key = SubjectPublicKeyInfoDer::from(key);
                verify_tls13_signature_with_raw_key(message, &key, signature, &self.algorithms)
            }
            _ => verify_tls13_signature(message, leaf, signature, &self.algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn check_dates(leaf: &Certificate, now: UnixTime) -> Result<(), Error> {
    let validity = &leaf.tbs_certificate.validity;
    let not_before = UnixTime::since_unix_epoch(validity.not_before.to_unix_duration());
    let not_after = UnixTime::since_unix_epoch(validity.not_after.to_unix_duration());
    if now > not_after {
        return Err(CertificateError::ExpiredContext { time: now, not_after }.into());
    }
    if now < not_before {
        return Err(CertificateError::NotValidYetContext { time: now, not_before }.into());
    }
    Ok(())
}

/// Alternative names decide where there are any; else the common name does, as in libpq.
fn check_name(
    der: &CertificateDer<'_>,
    leaf: &Certificate,
    host: &ServerName<'_>,
) -> Result<(), Error> {
    let alternatives = alternative_names(leaf);
    let (good, presented) = if alternatives.is_empty() {
        let common = common_names(leaf);
        (common.iter().any(|name| names_host(name, &host.to_str())), common)
    } else {
        let named =
            ParsedCertificate::try_from(der).and_then(|leaf| verify_server_name(&leaf, host));
        (named.is_ok(), alternatives)
    };
    if good {
        return Ok(());
    }
    Err(CertificateError::NotValidForNameContext { expected: host.to_owned(), presented }.into())
}

fn alternative_names(leaf: &Certificate) -> Vec<String> {
    let Ok(Some((_, SubjectAltName(names)))) = leaf.tbs_certificate.get::<SubjectAltName>() else {
        return Vec::new();
    };
    let printed = |name: &GeneralName| match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_owned()),
        GeneralName::IpAddress(bytes) => address(bytes.as_bytes()).map(|ip| ip.to_string()),
        _ => None,
    };
    names.iter().filter_map(printed).collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(|b| Ipv4Addr::from(b).into()),
        _ => <[u8; 16]>::try_from(bytes).ok().map(|b| Ipv6Addr::from(b).into()),
    }
}

fn common_names(leaf: &Certificate) -> Vec<String> {
    let parts = leaf.tbs_certificate.subject.0.iter().flat_map(|part| part.0.iter());
    parts
        .filter(|part| part.oid == COMMON_NAME)
        .map(|part| String::from_utf8_lossy(part.value.value()).into_owned())
        .collect()
}

/// A leading `*.` stands for exactly one label.
fn names_host(name: &str, host: &str) -> bool {
    if name.eq_ignore_ascii_case(host) {
        return true;
    }
    let Some((first, rest)) = host.split_once('.') else { return false };
    let is_address = host.parse::<IpAddr>().is_ok();
    name.strip_prefix("*.")
        .is_some_and(|suffix| !is_address && !first.is_empty() && suffix.eq_ignore_ascii_case(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_name_names_itself_and_a_star_one_label() {
        let cases = [
            ("db.example", "db.example", true),
            ("DB.Example", "db.example", true),
            ("*.example", "db.example", true),
            ("*.example", "a.db.example", false),
            ("*.example", "example", false),
            ("*.example", ".example", false),
            ("db.example", "db2.example", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("*.0.0.1", "10.0.0.1", false),
        ];
        for (name, host, good) in cases {
            assert_eq!(names_host(name, host), good, "{name} for {host}");
        }
    }
}
