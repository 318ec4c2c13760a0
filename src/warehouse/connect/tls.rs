//! TLS by rustls: which versions, whose certificates count, and our own certificate.

use super::certificate::{Trusted, Verifier};
use crate::config::libpq::{Identity, Roots, SslMode, Tls, Versions};
use crate::error::{Error, Result};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

/// The name of PostgreSQL's protocol inside TLS, which a direct beginning must tell.
const PROTOCOL: &[u8] = b"postgresql";

/// A connector that proves as much about the server as `mode` asks.
pub(super) fn connector(tls: &Tls, mode: SslMode) -> Result<MakeRustlsConnect> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = match mode {
        SslMode::VerifyFull | SslMode::VerifyCa => Some(roots(&tls.roots)?),
        _ => None,
    };
    let verifier = Verifier { roots, proves_name: mode == SslMode::VerifyFull, provider: Arc::clone(&provider) };
    let versions: &[_] = match tls.versions {
        Versions::Both => &[&TLS12, &TLS13],
        Versions::Only12 => &[&TLS12],
        Versions::Only13 => &[&TLS13],
    };
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|e| Error::config("TLS cannot be set up").source(e))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
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

fn roots(roots: &Roots) -> Result<Trusted> {
    let mut trusted = Trusted { store: RootCertStore::empty(), named: Vec::new() };
    match roots {
        Roots::System => {
            // Thousands of machines trust these, so none of them is the certificate of one server.
            trusted.store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if trusted.store.is_empty() {
                return Err(Error::config("this machine trusts no certificate, so none of a server can be verified")
                    .hint("install the package ca-certificates, or name the certificate of the CA by sslrootcert"));
            }
        }
        Roots::File(path, text) => {
            let bad = || Error::config(format!("root certificate \"{path}\" cannot be read"));
            for certificate in CertificateDer::pem_slice_iter(text) {
                let certificate = certificate.map_err(|e| bad().detail(format!("{e:?}")))?;
                trusted.store.add(certificate.clone()).map_err(|e| bad().source(e))?;
                trusted.named.push(certificate);
            }
            if trusted.store.is_empty() {
                return Err(bad().detail("It holds no certificate in PEM form."));
            }
        }
    }
    Ok(trusted)
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
