"""The situations that the probe creates, in groups that need servers of their own."""

import signal
import time

from server import Cluster, wait_for

POLICY = """
path "secret/data/allowed/*" { capabilities = ["create", "read", "update", "delete"] }
path "secret/metadata/allowed/*" { capabilities = ["read", "list", "create", "update", "delete"] }
path "missing/*" { capabilities = ["create", "read", "update", "delete", "list"] }
"""
LOGIN = {"role_id": "unknown", "secret_id": "unknown"}
NO_FORWARDING = {"X-Vault-No-Request-Forwarding": "true"}


def ask(record, situation, node, method, path, body=None, token=None, headers=None):
    """Sends a request, records the response and returns it."""
    shown = [f"{name}={value}" for name, value in (headers or {}).items()]
    label = " ".join([method, path, *shown])
    try:
        response = node.send(method, path, body, token, headers)
    except OSError as error:
        record(situation, label, type(error).__name__)
        return None
    record(situation, label, response)
    return response


def everyday(record, situation, node, headers=None):
    """Sends the requests of an ordinary client."""
    ask(record, situation, node, "GET", "secret/data/a", token=node.root, headers=headers)
    write = {"data": {"key": "v"}, "options": {"cas": 0}}
    ask(record, situation, node, "POST", "secret/data/w", write, node.root, headers)
    ask(record, situation, node, "LIST", "secret/metadata", token=node.root, headers=headers)
    ask(record, situation, node, "POST", "auth/approle/login", LOGIN, headers=headers)
    ask(record, situation, node, "POST", "auth/token/renew-self", {}, node.root, headers)
    ask(record, situation, node, "GET", "auth/token/lookup-self", token=node.root, headers=headers)
    mounts = "sys/internal/ui/mounts/secret"
    ask(record, situation, node, "GET", mounts, token=node.root, headers=headers)
    ask(record, situation, node, "GET", "sys/health", headers=headers)
    ask(record, situation, node, "GET", "sys/leader", headers=headers)


class Ready:
    """One active server with a KV mount, AppRole, userpass and a policy."""

    def __init__(self, binary):
        self.cluster = Cluster(binary, 1)

    def __enter__(self):
        self.cluster.__enter__()
        try:
            self.cluster.join()
            node = self.cluster.nodes[0]
            furnish(node)
        except BaseException:
            self.cluster.__exit__()
            raise
        return node

    def __exit__(self, *error):
        self.cluster.__exit__(*error)


def furnish(node, headers=None):
    def post(path, body):
        return node.must("POST", path, body, headers=headers)

    post("sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
    post("sys/mounts/kv1", {"type": "kv", "options": {"version": "1"}})
    post("sys/auth/approle", {"type": "approle"})
    post("sys/auth/userpass", {"type": "userpass"})
    post("sys/policies/acl/limited", {"policy": POLICY})
    role = {"token_policies": "limited", "token_ttl": "1h"}
    post("auth/approle/role/gateway", role)
    post("auth/userpass/users/ann", {"password": "correct", "token_policies": "limited"})

    def upgraded():
        return node.send("GET", "secret/config", token=node.root, headers=headers).status == 200

    wait_for(upgraded, "a KV version 2 mount")
    node.must("POST", "secret/data/a", {"data": {"key": "v"}}, headers=headers)


def approle_login(node, role="gateway", headers=None):
    """Returns the token of a login with the role."""
    path = f"auth/approle/role/{role}"
    role_id = node.must("GET", f"{path}/role-id", headers=headers).body["data"]["role_id"]
    secret = node.must("POST", f"{path}/secret-id", {}, headers=headers).body["data"]
    body = {"role_id": role_id, "secret_id": secret["secret_id"]}
    return node.send("POST", "auth/approle/login", body, headers=headers).token


def create(node, **options):
    """Returns a token that the root token created."""
    return node.must("POST", "auth/token/create", options).token


def seal(binary, record):
    """Not initialised, sealed, unsealed, and sealed again while it was active."""
    with Cluster(binary, 1) as cluster:
        node = cluster.nodes[0]
        everyday(record, "not initialised", node)
        node.initialise()
        everyday(record, "sealed", node)
        node.unseal()
        wait_for(node.is_active, "an active node")
        furnish(node)
        everyday(record, "active", node)
        node.must("PUT", "sys/seal")
        everyday(record, "sealed while active", node)


def paths(binary, record):
    """Mounts and secrets that do not exist, and the look-up of mounts."""
    with Ready(binary) as node:
        limited = create(node, policies=["limited"])
        write = {"data": {"key": "v"}}
        for who, token in (("root token", node.root), ("policy on the path", limited)):
            situation = f"missing mount, {who}"
            for method, body in (("GET", None), ("LIST", None), ("POST", write), ("DELETE", None)):
                ask(record, situation, node, method, "missing/data/a", body, token)
                ask(record, situation, node, method, "missing/metadata/a", body, token)
            ask(record, situation, node, "PATCH", "missing/data/a", write, token)
            ask(record, situation, node, "POST", "missing/delete/a", {"versions": [1]}, token)
            ask(record, situation, node, "GET", "missing/config", None, token)
            ask(record, situation, node, "GET", "sys/internal/ui/mounts/missing", None, token)
        ask(record, "missing mount, no policy", node, "GET", "absent/data/a", None, limited)
        ask(record, "missing mount, no token", node, "GET", "absent/data/a")
        ask(record, "missing auth mount", node, "POST", "auth/absent/login", LOGIN)
        mounts = "sys/internal/ui/mounts"
        ask(record, "mounts", node, "GET", f"{mounts}/secret", None, node.root)
        ask(record, "mounts", node, "GET", f"{mounts}/kv1", None, node.root)
        ask(record, "mounts, policy below", node, "GET", f"{mounts}/secret", None, limited)
        ask(record, "mounts, no policy", node, "GET", f"{mounts}/kv1", None, limited)
        ask(record, "mounts, no token", node, "GET", f"{mounts}/secret")
        ask(record, "mounts, unknown token", node, "GET", f"{mounts}/secret", None, "hvs.unknown")
        ask(record, "not found", node, "GET", "secret/data/none", None, node.root)
        ask(record, "not found", node, "GET", "secret/metadata/none", None, node.root)
        ask(record, "not found", node, "LIST", "secret/metadata/none", None, node.root)
        ask(record, "active", node, "GET", "secret/data/a", None, node.root)
        ask(record, "active", node, "GET", "secret/metadata/a", None, node.root)
        ask(record, "active", node, "LIST", "secret/metadata", None, node.root)
        ask(record, "KV version 2, path of version 1", node, "GET", "secret/a", None, node.root)
        ask(record, "KV version 1", node, "GET", "kv1/data/a", None, node.root)
        ask(record, "KV version 1", node, "POST", "kv1/data/a", write, node.root)
        node.must("POST", "secret/data/gone", write)
        node.must("DELETE", "secret/data/gone")
        ask(record, "deleted", node, "GET", "secret/data/gone", None, node.root)
        node.must("POST", "secret/destroy/gone", {"versions": [1]})
        ask(record, "destroyed", node, "GET", "secret/data/gone", None, node.root)
        huge = {"data": {"key": "x" * 1100000}}
        ask(record, "too large", node, "POST", "secret/data/huge", huge, node.root)
        ask(record, "wrong body", node, "POST", "secret/data/a", ["not an object"], node.root)
        ask(record, "wrong method", node, "POST", "secret/metadata/a/b?list=true", None, node.root)
        ask(record, "dots in a path", node, "GET", "secret/data/../data/a", None, node.root)
        ask(record, "slash at the end", node, "GET", "secret/data/a/", None, node.root)
        upgrade(record, node)


def upgrade(record, node):
    node.must("POST", "sys/mounts/fresh", {"type": "kv", "options": {"version": "2"}})
    for _ in range(50):
        response = node.send("POST", "fresh/data/a", {"data": {}}, node.root)
        if response.status != 200:
            record("mount becomes version 2", "POST fresh/data/a", response)
            return


def tokens(binary, record):
    """Denied requests, and tokens that are dead or restricted."""
    with Ready(binary) as node:
        limited = create(node, policies=["limited"])
        write = {"data": {"key": "v"}}
        for who, token in (
            ("denied", limited),
            ("no token", None),
            ("unknown token", "hvs.CAESIJunknownunknownunknownunknown"),
            ("unknown token of another form", "s.unknownunknownunknown1234"),
            ("malformed token", "nonsense"),
        ):
            ask(record, who, node, "GET", "secret/data/a", None, token)
            ask(record, who, node, "POST", "secret/data/a", write, token)
            ask(record, who, node, "LIST", "secret/metadata", None, token)
            ask(record, who, node, "GET", "auth/token/lookup-self", None, token)
            ask(record, who, node, "POST", "auth/token/renew-self", {}, token)
            caps = {"paths": ["secret/data/a"]}
            ask(record, who, node, "POST", "sys/capabilities-self", caps, token)
        revoked = create(node, policies=["limited"])
        node.must("POST", "auth/token/revoke-self", {}, revoked)
        ask(record, "revoked token", node, "GET", "secret/data/allowed/a", None, revoked)
        ask(record, "revoked token", node, "GET", "auth/token/lookup-self", None, revoked)
        ask(record, "revoked token", node, "POST", "auth/token/renew-self", {}, revoked)
        used = create(node, policies=["limited"], num_uses=1)
        ask(record, "token with one use, first", node, "GET", "secret/data/allowed/a", None, used)
        ask(record, "token with one use, second", node, "GET", "secret/data/allowed/a", None, used)
        brief = create(node, policies=["limited"], ttl="1s")
        time.sleep(2)
        ask(record, "expired token", node, "GET", "secret/data/allowed/a", None, brief)
        bare = create(node, policies=["limited"], no_default_policy=True)
        ask(record, "no default policy", node, "GET", "auth/token/lookup-self", None, bare)
        ask(record, "no default policy", node, "POST", "auth/token/renew-self", {}, bare)
        ask(record, "no default policy", node, "POST", "auth/token/revoke-self", {}, bare)
        role = {"token_policies": "limited", "token_bound_cidrs": "10.0.0.0/8"}
        node.must("POST", "auth/approle/role/elsewhere", role)
        role_id = node.must("GET", "auth/approle/role/elsewhere/role-id").body["data"]["role_id"]
        secret = node.must("POST", "auth/approle/role/elsewhere/secret-id", {}).body["data"]
        body = {"role_id": role_id, "secret_id": secret["secret_id"]}
        login = ask(record, "address not allowed", node, "POST", "auth/approle/login", body)
        if login and login.status == 200:
            token = login.token
            ask(record, "address not allowed", node, "GET", "secret/data/allowed/a", None, token)
        batch = create(node, policies=["limited"], type="batch")
        ask(record, "batch token", node, "GET", "auth/token/lookup-self", None, batch)
        ask(record, "batch token", node, "POST", "auth/token/renew-self", {}, batch)
        ask(record, "batch token", node, "POST", "auth/token/revoke-self", {}, batch)
        ask(record, "batch token", node, "GET", "secret/data/allowed/a", None, batch)


def logins(binary, record):
    """Credentials that are refused, renewals and their refusals, and wrapping tokens."""
    with Ready(binary) as node:
        role_id = node.must("GET", "auth/approle/role/gateway/role-id").body["data"]["role_id"]
        wrong = {"role_id": role_id, "secret_id": "wrong"}
        ask(record, "unknown role id", node, "POST", "auth/approle/login", LOGIN)
        ask(record, "wrong secret id", node, "POST", "auth/approle/login", wrong)
        ask(record, "missing user", node, "POST", "auth/userpass/login/bob", {"password": "x"})
        for attempt in range(1, 8):
            situation = f"wrong password, attempt {attempt}"
            ask(record, situation, node, "POST", "auth/userpass/login/ann", {"password": "x"})
        right = {"password": "correct"}
        ask(record, "right password, locked out", node, "POST", "auth/userpass/login/ann", right)
        renewals(record, node)
        wrapping(record, node)


def renewals(record, node):
    def renew(situation, token, increment="1h"):
        body = {"increment": increment}
        ask(record, situation, node, "POST", "auth/token/renew-self", body, token)

    renew("renewal", approle_login(node))
    renew("renewal of the root token", node.root)
    renew("renewal, not renewable", create(node, policies=["limited"], renewable=False))
    renew("renewal, periodic", create(node, policies=["limited"], period="10m"))
    renew("renewal, capped", create(node, policies=["limited"], ttl="5m", explicit_max_ttl="10m"))
    short = {"token_policies": "limited", "token_ttl": "2s", "token_max_ttl": "3s"}
    node.must("POST", "auth/approle/role/short", short)
    token = approle_login(node, "short")
    time.sleep(1.2)
    renew("renewal near the maximum TTL", token)
    lowered = {"token_policies": "limited", "token_ttl": "1h", "token_max_ttl": "2h"}
    node.must("POST", "auth/approle/role/lowered", lowered)
    token = approle_login(node, "lowered")
    node.must("POST", "auth/approle/role/lowered", {"token_ttl": "1s", "token_max_ttl": "1s"})
    time.sleep(1.5)
    renew("renewal past the maximum TTL", token)
    node.must("POST", "auth/approle/role/deleted", {"token_policies": "limited"})
    token = approle_login(node, "deleted")
    node.must("DELETE", "auth/approle/role/deleted")
    renew("renewal, role deleted", token)
    node.must("POST", "auth/userpass/users/eve", {"password": "x", "token_policies": "limited"})
    login = node.must("POST", "auth/userpass/login/eve", {"password": "x"})
    node.must("POST", "auth/userpass/users/eve", {"token_policies": "default"})
    renew("renewal, policies changed", login.token)
    node.must("DELETE", "auth/userpass/users/eve")
    renew("renewal, user deleted", login.token)


def wrapping(record, node):
    path = "auth/approle/role/gateway/secret-id"
    wrap = {"X-Vault-Wrap-TTL": "60s"}
    wrapped = node.must("POST", path, {}, headers=wrap)
    record("wrapped secret id", f"POST {path}", wrapped)
    token = wrapped.body["wrap_info"]["token"]
    lookup = {"token": token}
    ask(record, "wrapping token", node, "POST", "sys/wrapping/lookup", lookup)
    ask(record, "wrapping token", node, "POST", "sys/wrapping/unwrap", {}, token)
    ask(record, "spent wrapping token", node, "POST", "sys/wrapping/lookup", lookup)
    ask(record, "spent wrapping token", node, "POST", "sys/wrapping/unwrap", {}, token)
    ask(record, "unknown wrapping token", node, "POST", "sys/wrapping/lookup", {"token": "hvs.x"})
    ask(record, "unknown wrapping token", node, "POST", "sys/wrapping/unwrap", {}, "hvs.x")
    forged = node.must("POST", "sys/wrapping/wrap", {"secret_id": "x"}, headers=wrap)
    lookup = {"token": forged.body["wrap_info"]["token"]}
    ask(record, "forged wrapping token", node, "POST", "sys/wrapping/lookup", lookup)
    other = node.must("POST", path, {}, headers=wrap)
    token = other.body["wrap_info"]["token"]
    ask(record, "wrapping token, other call", node, "GET", "auth/token/lookup-self", None, token)
    ask(record, "wrapping token, other call", node, "POST", "sys/wrapping/unwrap", {}, token)


def cas(binary, record):
    """Check-and-set on data and on metadata."""
    with Ready(binary) as node:
        def write(situation, path, data, options=None):
            body = {"data": data, "options": options or {}}
            ask(record, situation, node, "POST", f"secret/data/{path}", body, node.root)

        write("CAS mismatch", "a", {"key": "w"}, {"cas": 7})
        write("CAS mismatch, must not exist", "a", {"key": "w"}, {"cas": 0})
        write("CAS matches", "a", {"key": "w"}, {"cas": 1})
        write("CAS is not a number", "a", {"key": "w"}, {"cas": "x"})
        patch = {"data": {"more": "1"}, "options": {"cas": 7}}
        merge = {"Content-Type": "application/merge-patch+json"}
        ask(record, "CAS mismatch", node, "PATCH", "secret/data/a", patch, node.root, merge)
        node.must("DELETE", "secret/data/a")
        write("CAS 0 on a deleted secret", "a", {"key": "w"}, {"cas": 0})
        node.must("POST", "secret/metadata/strict", {"cas_required": True})
        write("CAS required", "strict", {"key": "w"})
        metadata_cas(record, node)


def metadata_cas(record, node):
    merge = {"Content-Type": "application/merge-patch+json"}

    def write(situation, body, path="meta"):
        ask(record, situation, node, "POST", f"secret/metadata/{path}", body, node.root)

    def patch(situation, body):
        ask(record, situation, node, "PATCH", "secret/metadata/meta", body, node.root, merge)

    custom = {"custom_metadata": {"owner": "x"}}
    write("metadata without CAS", custom)
    ask(record, "metadata", node, "GET", "secret/metadata/meta", None, node.root)
    write("metadata CAS mismatch", custom | {"metadata_cas": 7})
    write("metadata CAS mismatch, must not exist", custom | {"metadata_cas": 0})
    write("metadata CAS matches", custom | {"metadata_cas": 1})
    patch("metadata CAS mismatch", custom | {"metadata_cas": 7})
    node.must("POST", "secret/config", {"metadata_cas_required": True})
    situation = "metadata CAS required"
    ask(record, situation, node, "GET", "secret/config", None, node.root)
    write(situation, custom)
    write(situation, custom, "other")
    patch(situation, custom)
    ask(record, situation, node, "POST", "secret/data/new", {"data": {"k": "v"}}, node.root)


def quotas(binary, record):
    """Rate limits, without and with the headers that describe them."""
    with Ready(binary) as node:

        def limit(name, **options):
            node.must("POST", f"sys/quotas/rate-limit/{name}", {"rate": 1} | options)

        def exceed(situation, method, path, token, who=""):
            body = None if token else LOGIN
            responses = [node.send(method, path, body, token) for _ in range(3)]
            record(situation, f"{method} {path}{who}", responses[-1])

        limit("secrets", path="secret", interval="60s")
        limit("logins", path="auth/approle", interval="60s")
        for situation in ("rate limit", "rate limit with headers"):
            with_headers = {"enable_rate_limit_response_headers": situation != "rate limit"}
            node.must("POST", "sys/quotas/config", with_headers)
            exceed(situation, "GET", "secret/data/a", node.root)
            exceed(situation, "GET", "secret/data/a", "hvs.unknown", " (unknown token)")
            exceed(situation, "POST", "auth/approle/login", None)
        limit("secrets", path="secret", interval="1s", block_interval="30s")
        exceed("rate limit with block interval", "GET", "secret/data/a", node.root)


def namespaces(binary, record):
    """Namespaces that are missing, alive, locked, sealed and deleted."""
    with Ready(binary) as node:
        named(record, node, "missing namespace", "absent")
        ask(record, "missing namespace, policy", node, "GET", "absent/secret/data/a", None,
            create(node, policies=["limited"]))
        team = "sys/namespaces/team"
        created = ask(record, "namespace created", node, "POST", team, {}, node.root)
        if not created or created.status != 200:
            return
        inside = {"X-Vault-Namespace": "team"}
        furnish(node, inside)
        named(record, node, "namespace", "team")
        local = approle_login(node, headers=inside)
        ask(record, "token of the namespace at the root", node, "GET", "secret/data/a", None, local)
        ask(record, "token of the namespace", node, "GET", "secret/data/a", None, local, inside)
        ask(record, "token of the namespace", node, "GET", "auth/token/lookup-self", None, local)
        lock = ask(record, "lock", node, "POST", "sys/namespaces/api-lock/lock/team", {}, node.root)
        named(record, node, "locked namespace", "team", local)
        key = lock.body.get("unlock_key") or (lock.body.get("data") or {}).get("unlock_key")
        node.must("POST", "sys/namespaces/api-lock/unlock/team", {"unlock_key": key})
        ask(record, "deletion", node, "DELETE", team, None, node.root)
        wait_for(lambda: node.send("GET", team, token=node.root).status == 404, "a deletion")
        named(record, node, "deleted namespace", "team", local)
        sealed(record, node)


def sealed(record, node):
    path, inside = "sys/namespaces/vault", {"X-Vault-Namespace": "vault"}
    shamir = {"seal": 'seal "shamir" {\n shares = 1\n threshold = 1\n}'}
    created = ask(record, "sealable namespace", node, "POST", path, shamir, node.root)
    if created.status != 200:
        return
    for share in created.body["data"]["key_shares"]:
        body = {"key": share}
        ask(record, "unseal of a namespace", node, "POST", f"{path}/unseal", body, node.root)
    furnish(node, inside)
    local = approle_login(node, headers=inside)
    ask(record, "seal of a namespace", node, "POST", f"{path}/seal", {}, node.root)
    named(record, node, "sealed namespace", "vault", local)


def named(record, node, situation, name, local=None):
    """Sends requests in a namespace, by header and by path."""
    header = {"X-Vault-Namespace": name}
    ask(record, situation, node, "GET", "secret/data/a", None, node.root, header)
    ask(record, situation, node, "GET", f"{name}/secret/data/a", None, node.root)
    write = {"data": {"key": "v"}}
    ask(record, situation, node, "POST", f"{name}/secret/data/b", write, node.root)
    ask(record, situation, node, "LIST", f"{name}/secret/metadata", None, node.root)
    ask(record, situation, node, "DELETE", f"{name}/secret/data/b", None, node.root)
    ask(record, situation, node, "GET", "secret/data/a", None, None, header)
    ask(record, situation, node, "POST", "auth/approle/login", LOGIN, None, header)
    ask(record, situation, node, "POST", f"{name}/auth/approle/login", LOGIN)
    ask(record, situation, node, "GET", "sys/internal/ui/mounts/secret", None, node.root, header)
    ask(record, situation, node, "GET", f"sys/internal/ui/mounts/{name}/secret", None, node.root)
    ask(record, situation, node, "GET", "auth/token/lookup-self", None, node.root, header)
    ask(record, situation, node, "GET", "sys/health", None, None, header)
    if local:
        inside = f"{situation}, token of it"
        ask(record, inside, node, "GET", "secret/data/a", None, local, header)
        ask(record, inside, node, "GET", f"{name}/secret/data/a", None, local)
        ask(record, inside, node, "GET", "auth/token/lookup-self", None, local)
        ask(record, inside, node, "POST", "auth/token/renew-self", {}, local)
        ask(record, inside, node, "GET", "auth/token/lookup-self", None, local, header)
        ask(record, inside, node, "POST", "auth/token/renew-self", {}, local, header)


def cluster(binary, record):
    """Standbys, failovers and a cluster without a leader."""
    with Cluster(binary, 3) as three:
        three.join()
        active = three.active()
        furnish(active)
        standby = next(node for node in three.nodes if node is not active)
        everyday(record, "standby, mount just made", standby)
        wait_for(lambda: reads(standby), "a standby that reads")
        everyday(record, "standby", standby)
        everyday(record, "standby, not forwarded", standby, NO_FORWARDING)
        everyday(record, "active, not forwarded", active, NO_FORWARDING)
        ask(record, "standby", standby, "GET", "sys/health?standbyok=true")
        active.must("PUT", "sys/step-down")
        during(record, "step-down", standby, 5)
        active = three.active()
        standbys = [node for node in three.nodes if node is not active]
        active.stop()
        during(record, "leader killed", standbys[0], 20)
        active = three.active()
        last = next(node for node in standbys if node is not active)
        active.stop(signal.SIGTERM)
        time.sleep(3)
        situation = "one node of three"
        during(record, situation, last, 25)
        everyday(record, situation, last)


def reads(node):
    return node.send("GET", "secret/data/a", token=node.root).status == 200


def during(record, situation, node, seconds):
    """Records every distinct response of a node while its leader changes."""
    requests = {
        "GET secret/data/a": None,
        "POST secret/data/b": {"data": {"key": "v"}},
        "POST auth/approle/login": LOGIN,
        "GET sys/leader": None,
    }
    seen, deadline = {request: [] for request in requests}, time.monotonic() + seconds
    while time.monotonic() < deadline:
        for request, body in requests.items():
            method, path = request.split()
            try:
                response = node.send(method, path, body, node.root)
                outcome = (response.status, response.body.get("errors"))
            except OSError as error:
                response = outcome = type(error).__name__
            if outcome not in seen[request]:
                seen[request].append(outcome)
                record(f"{situation}, response {len(seen[request])}", request, response)
        time.sleep(0.02)


GROUPS = {
    group.__name__: group
    for group in (seal, paths, tokens, logins, cas, quotas, namespaces, cluster)
}
