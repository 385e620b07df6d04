"""The certificate by which the store's parts know one another: gRPC ports answer nobody without it."""

from __future__ import annotations

from datetime import datetime
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from loaders.lakehouse.settings import write_private

# It is made anew at each start of the store, so it need not end (RFC 5280, 4.1.2.5: no end that is known).
FIRST, LAST = datetime(2000, 1, 1), datetime(9999, 12, 31, 23, 59, 59)


def write_certificate(home: Path) -> tuple[Path, Path]:
    """Make a certificate that signs itself, for 127.0.0.1, and its key; only their owner can read the files.

    Args:
        home: where the files are written.

    Returns:
        The files of the certificate and of its key.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "local lakehouse")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(FIRST)
        .not_valid_after(LAST)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    text = certificate.public_bytes(serialization.Encoding.PEM).decode()
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    files = home / "grpc.crt", home / "grpc.key"
    for path, content in zip(files, (text, secret), strict=True):
        write_private(path, content)
    return files
