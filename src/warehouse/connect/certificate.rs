//! A server's certificate: what each `sslmode` asks of it.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::sync::Arc;
use std::time::Duration;
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// The certificates in which a connection trusts.
#[derive(Debug)]
pub(super) struct Trusted {
    /// They may sign the certificates of servers.
    pub store: RootCertStore,
    /// Those that the user named, byte for byte. A server may show one of them itself.
    pub named: Vec<CertificateDer<'static>>,
}

/// Proves as much about a server as the mode asks: nothing, who signed its certificate, or its name too.
///
/// That the server has the certificate's key is proved always.
#[derive(Debug)]
pub(super) struct Verifier {
    /// Without them nothing is proved.
    pub roots: Option<Trusted>,
    pub proves_name: bool,
    pub provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(trusted) = &self.roots else { return Ok(ServerCertVerified::assertion()) };
        let certificate = ParsedCertificate::try_from(shown)?;
        if trusted.named.contains(shown) {
            // Signed by itself, mostly, and marked as a CA by the tools that make such: a chain is not to be had.
            prove_dates(shown, now)?;
        } else {
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, &trusted.store, intermediates, now, algorithms)?;
        }
        if self.proves_name {
            verify_server_name(&certificate, name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Whether the certificate is valid now; in a chain this is proved with the rest.
fn prove_dates(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), CertificateError> {
    let validity =
        Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?.tbs_certificate.validity;
    let now = Duration::from_secs(now.as_secs());
    if now < validity.not_before.to_unix_duration() {
        return Err(CertificateError::NotValidYet);
    }
    if now > validity.not_after.to_unix_duration() {
        return Err(CertificateError::Expired);
    }
    Ok(())
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
        rustls::Error::InvalidCertificate(Bad::NotValidYet | Bad::NotValidYetContext { .. }) => {
            Some("set the clock of this machine, or wait until the server's certificate is valid")
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
