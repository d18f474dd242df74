"""This machine's configuration for the registries of pip and cargo, copied into another root and removed again."""
import os
import re
import shutil

# Proxies, certificates, and the configuration of registries for pip and cargo. No folder of cargo's, and no rustup.
VARIABLES = re.compile(r"(https?|all|no|ftp)_proxy|PIP_\w+|CARGO_(REGISTR|SOURCE|HTTP|NET)\w*|SSL_CERT_(FILE|DIR)"
                       r"|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE", flags=re.I)
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


def environment():
    """The variables of that configuration."""
    return {name: value for name, value in os.environ.items() if VARIABLES.fullmatch(name)}


def paths():
    """Files and folders that have the same path inside."""
    named = [word for value in environment().values() for word in value.split()]
    wanted = ["/etc/pip.conf", CERTIFICATES, *named]
    return sorted({path for path in wanted if path.startswith("/") and os.path.exists(path)})


def _users_files():
    """Configuration in the user's folders: its path, and its path relative to a home folder."""
    home = os.path.expanduser("~")
    cargo = os.environ.get("CARGO_HOME") or os.path.join(home, ".cargo")
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    return [(os.path.join(cargo, "config.toml"), ".cargo/config.toml"),
            (os.path.join(cargo, "config"), ".cargo/config"),
            (os.path.join(config, "pip", "pip.conf"), ".config/pip/pip.conf"),
            (os.path.join(home, ".pip", "pip.conf"), ".pip/pip.conf")]


def put_into(home):
    """Copies the user's configuration into another home."""
    for source, name in _users_files():
        if os.path.exists(source):
            target = os.path.join(home, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(source, target)
            os.chmod(target, 0o600)


def take_out_of(home):
    """Removes it again."""
    for _, name in _users_files():
        if os.path.exists(os.path.join(home, name)):
            os.remove(os.path.join(home, name))


def apt_configuration(dump):
    """This machine's configuration of apt for archives, from the output of apt-config."""
    return "".join(f"{line}\n" for line in dump.splitlines()
                   if re.match(r"Acquire::(https?::|Retries|Check-)", line))
