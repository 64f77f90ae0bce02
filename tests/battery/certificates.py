"""Certificates with a flaw each, made on the spot."""

from __future__ import annotations

import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

KINDS = ("self-signed", "expired", "wrong-host", "unknown-authority", "own-authority")


@dataclass(frozen=True)
class Signer:
    name: x509.Name
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def make_authority(name: str) -> Signer:
    key, subject = ec.generate_private_key(ec.SECP256R1()), _name(name)
    certificate = (
        _begin(subject, subject, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Signer(subject, key, certificate)


def make_context(kind: str, address: str, authority: Signer) -> ssl.SSLContext:
    """A server's context for that address, with the flaw that the kind names."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), _name(address)
    signer = make_authority("Penerbit Asing") if kind == "unknown-authority" else authority
    is_own = kind == "self-signed"
    days = -10 if kind == "expired" else 30
    named = "192.0.2.7" if kind == "wrong-host" else address
    certificate = (
        _begin(subject, subject if is_own else signer.name, key, days)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(named))]), critical=False)
        .sign(key if is_own else signer.key, hashes.SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "both.pem"
        path.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context.load_cert_chain(path)
    return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _begin(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int = 30
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=90))
        .not_valid_after(now + timedelta(days=days))
    )
