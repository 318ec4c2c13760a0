//! TLS by rustls: whose certificates count in each `sslmode`, and our own certificate.

use crate::config::libpq::{Identity, Roots, SslMode, Tls, Versions};
use crate::error::{Error, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::version::{TLS12, TLS13};
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

/// The name of PostgreSQL's protocol inside TLS, which a direct beginning must tell.
const PROTOCOL: &[u8] = b"postgresql";

/// A connector that proves as much about the server as `mode` asks.
pub(super) fn connector(tls: &Tls, mode: SslMode) -> Result<MakeRustlsConnect> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match mode {
        SslMode::VerifyFull => {
            let roots = Arc::new(roots(&tls.roots)?);
            WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
                .build()
                .map_err(|e| Error::config("certificates of the server cannot be verified").source(e))?
        }
        SslMode::VerifyCa => Arc::new(Lenient { roots: Some(roots(&tls.roots)?), provider: Arc::clone(&provider) }),
        _ => Arc::new(Lenient { roots: None, provider: Arc::clone(&provider) }),
    };
    let versions: &[_] = match tls.versions {
        Versions::Both => &[&TLS12, &TLS13],
        Versions::Only12 => &[&TLS12],
        Versions::Only13 => &[&TLS13],
    };
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|e| Error::config("TLS cannot be set up").source(e))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match &tls.identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let (certificates, key) = parse(identity)?;
            builder.with_client_auth_cert(certificates, key).map_err(|e| {
                Error::config(format!("client certificate \"{}\" cannot be used", identity.path))
                    .source(e)
                    .hint(format!("see that \"{}\" is its key", identity.key_path))
            })?
        }
    };
    config.enable_sni = tls.sends_name;
    if tls.is_direct {
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
    }
    Ok(MakeRustlsConnect::new(config))
}

fn roots(roots: &Roots) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    match roots {
        Roots::System => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if store.is_empty() {
                return Err(Error::config("this machine trusts no certificate, so none of a server can be verified")
                    .hint("install the package ca-certificates, or name the certificate of the CA by sslrootcert"));
            }
        }
        Roots::File(path, text) => {
            let bad = || Error::config(format!("root certificate \"{path}\" cannot be read"));
            for certificate in CertificateDer::pem_slice_iter(text) {
                let certificate = certificate.map_err(|e| bad().detail(format!("{e:?}")))?;
                store.add(certificate).map_err(|e| bad().source(e))?;
            }
            if store.is_empty() {
                return Err(bad().detail("It holds no certificate in PEM form."));
            }
        }
    }
    Ok(store)
}

fn parse(identity: &Identity) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let bad = |path: &str| Error::config(format!("\"{path}\" cannot be read as PEM"));
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&identity.certificates)
        .collect::<std::result::Result<_, _>>()
        .map_err(|e| bad(&identity.path).detail(format!("{e:?}")))?;
    if certificates.is_empty() {
        return Err(bad(&identity.path).detail("It holds no certificate."));
    }
    let key = PrivateKeyDer::from_pem_slice(&identity.key).map_err(|_| {
        // The reason may quote the key.
        bad(&identity.key_path).hint("store the key in PEM form, without a password, readable by its owner only")
    })?;
    Ok((certificates, key))
}

/// Proves less than everything: who signed the certificate if there are roots, else nothing.
///
/// That the server has the certificate's key is proved always.
#[derive(Debug)]
struct Lenient {
    roots: Option<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            let algorithms = self.provider.signature_verification_algorithms.all;
            let certificate = ParsedCertificate::try_from(certificate)?;
            verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, algorithms)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// The next step after a refused handshake.
pub(super) fn hint_for(cause: &std::io::Error) -> Option<&'static str> {
    use rustls::CertificateError as Bad;
    let error = cause.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>())?;
    match error {
        rustls::Error::InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => {
            Some("connect by the name for which the certificate is made, or set sslmode=verify-ca")
        }
        rustls::Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => {
            Some("renew the server's certificate")
        }
        rustls::Error::InvalidCertificate(_) => {
            Some("name the certificate of the CA that signed the server's one by sslrootcert or PGSSLROOTCERT")
        }
        rustls::Error::AlertReceived(_) => {
            Some("the server refused our side: see whether it wants a client certificate (sslcert and sslkey)")
        }
        _ => None,
    }
}
