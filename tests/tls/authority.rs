//! Certificates, made for each test: an authority and what it issues.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};

/// A certificate and its private key, as PEM.
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = named(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, key()).expect("an authority signs itself"))
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server's certificate for these alternative names.
    pub fn server(&self, common_name: &str, alternatives: &[&str]) -> Identity {
        self.issue(named(common_name, alternatives), ExtendedKeyUsagePurpose::ServerAuth)
    }

    pub fn expired_server(&self, name: &str) -> Identity {
        let mut params = named(name, &[name]);
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 2, 3);
        self.issue(params, ExtendedKeyUsagePurpose::ServerAuth)
    }

    pub fn client(&self, user: &str) -> Identity {
        self.issue(named(user, &[]), ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn issue(&self, mut params: CertificateParams, purpose: ExtendedKeyUsagePurpose) -> Identity {
        params.extended_key_usages = vec![purpose];
        let key = key();
        let certificate = params.signed_by(&key, &self.0).expect("an authority signs");
        Identity { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// A certificate that is its own root, as `openssl req -x509` makes one.
pub fn self_signed(name: &str) -> Identity {
    let mut params = named(name, &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = key();
    let certificate = params.self_signed(&key).expect("a certificate signs itself");
    Identity { certificate: certificate.pem(), key: key.serialize_pem() }
}

fn named(common_name: &str, alternatives: &[&str]) -> CertificateParams {
    let alternatives: Vec<String> = alternatives.iter().map(|&name| name.into()).collect();
    let mut params = CertificateParams::new(alternatives).expect("names are valid");
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key is made")
}
