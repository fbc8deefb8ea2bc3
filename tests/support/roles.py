"""Everybody who may send a request, and a server with one resource of each kind to send it to."""

from __future__ import annotations

import itertools
import re
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import delete, update

from app.accounts import people, sessions, tokens
from app.accounts.scopes import SCOPES
from app.core.security import COOKIE
from app.db import analyses, capabilities, models
from app.db.account_tables import User
from app.db.tables import Rate, new_id, utcnow
from app.web.home.explorer import swagger_ui
from app.web.http.identity import SESSION_COOKIE
from ml.train.form import form
from tests.support.archives import classes, zip_of
from tests.support.backend import photo
from tests.support.signing_in import HERE
from tests.support.training import add_dataset
from tests.support.training_rows import work
from tests.support.web import Api, card

PASSWORD = "a few words in a row"
HOUR = timedelta(hours=1)
# Parameters of paths that name a part of a resource.
PARTS = {
    "split": "train", "index": "0", "epoch": "1", "method": "attention", "stream": "rgb",
    "stage": "late", "segment": "0", "file_format": "png", "sha256": "0" * 64,
}  # fmt: skip


class Site:
    """A server, its users, and one resource of each kind; `ids` has the parameters of paths."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self._names = (f"person-{number}" for number in itertools.count())
        with api.web.sessions.begin() as session:
            sessions.ensure_admin(session)
            capabilities.put(session, capabilities.TRAINING, form())
        self._users = {
            "admin": self._add_user(admin=True),
            "user": self._add_user(admin=False),
            "program": self._add_user(admin=True),  # the owner of all tokens
        }
        self._client = api.visitor()
        self.ids = {**PARTS, "model_id": "gated", "path": f"{swagger_ui().digest}/swagger-ui.css"}
        self.ids |= {"dataset_id": add_dataset(api.web)}  # type: ignore[arg-type]
        self.ids |= self._photo() | self._study()
        self.ids |= {"trial_id": self._trial()}

    def close(self) -> None:
        self._client.close()

    def everybody(self) -> dict[str, dict[str, str]]:
        """The headers of every role, with new sessions and tokens; what was deleted is back."""
        with self.api.web.readers() as session:
            there = analyses.get(session, self.ids["analysis_id"]) is not None
        if not there:
            self.ids |= self._photo()
        visitors, dead = self.api.web.visitors, utcnow() - HOUR
        with self.api.web.sessions.begin() as session:
            session.execute(update(User).values(password_hash=None))
            session.execute(delete(Rate))
            owner = self._users["program"]
            revoked, made = tokens.create(session, owner, "test", SCOPES, None)
            revoked.revoked_at = dead
            secrets = {"revoked token": made}
            secrets["expired token"] = tokens.create(session, owner, "test", SCOPES, dead)[1]
            for scope in SCOPES:
                secrets[f"{scope} token"] = tokens.create(session, owner, "test", [scope], None)[1]
        cookies = {
            "visitor": f"{COOKIE}={visitors.sign(visitors.new())}",
            "owner": f"{COOKIE}={self.api.client.cookies[COOKIE]}",
            "user": f"{SESSION_COOKIE}={self._browser(self._users['user'])[1]}",
            "admin": f"{SESSION_COOKIE}={self._browser(self._users['admin'])[1]}",
        }
        browsers = {role: {"Cookie": cookie} for role, cookie in cookies.items()}
        programs = {role: {"Authorization": f"Bearer {made}"} for role, made in secrets.items()}
        return {"nobody": {}, **browsers, **programs}

    def send(self, operation: str, role: str, headers: dict[str, str]) -> httpx.Response:
        """Send one valid request, about what exists; a stream of events is not read."""
        method, path = operation.split(" ")
        ids = dict(self.ids)
        if operation == "DELETE /api/v1/analyses":  # its id is no part of the path
            ids |= self._photo()
        if method == "DELETE" or operation in NEED_THEIR_OWN:
            ids |= {name: self._new(name, role) for name in re.findall(r"{(\w+)}", path)}
        return self._send(operation, ids, headers)

    def send_about_nothing(self, operation: str, headers: dict[str, str]) -> httpx.Response:
        """Send the same about ids that nothing has."""
        nothing = dict.fromkeys(re.findall(r"{(\w+)}", operation), "0" * 32)
        return self._send(operation, self.ids | nothing | PARTS, headers)

    def _send(self, operation: str, ids: dict[str, str], headers: dict[str, str]) -> httpx.Response:
        method, path = operation.split(" ")
        self._client.cookies.clear()
        page = {} if path.startswith("/api/v1/") else {"Accept": "text/html"}
        sent = self._content(operation, ids)
        address = path.replace(":path", "").format(**ids)
        with self._client.stream(method, address, headers=page | headers, **sent) as response:
            if "event-stream" not in response.headers.get("content-type", ""):
                response.read()  # so that the connection can be used again
            return response

    def _content(self, operation: str, ids: dict[str, str]) -> dict[str, Any]:
        """The query or body of a request."""
        dataset = {"dataset_id": ids["dataset_id"]}
        if operation == "GET /invitation":
            return {"params": {"link": self._invitation()[1]}}
        if operation == "POST /invitation":
            about = {"name": next(self._names), "password": PASSWORD}
            return {"data": {"link": self._invitation()[1], **about}}
        if operation == "POST /sign-in":
            return {"data": {"link": self._link()}}
        contents: dict[str, dict[str, Any]] = {
            "POST /api/v1/media": {"files": {"file": ("photo.jpg", photo())}},
            "POST /api/v1/analyses": {"json": {"media_id": ids["media_id"]}},
            "DELETE /api/v1/analyses": {"params": {"id": ids["analysis_id"]}},
            "GET /api/v1/analyses/{analysis_id}/figure.{file_format}": {
                "params": {"models": "none"}  # or the request waits for a worker
            },
            "POST /api/v1/account/password": {"json": {"new": PASSWORD}},
            "POST /api/v1/account/tokens": {"json": {"name": "a", "scopes": ["read"]}},
            "POST /api/v1/datasets": {
                "files": {"file": ("a.zip", zip_of(classes("cat", "dog", count=2)))}
            },
            "POST /api/v1/datasets/from-folder": {"json": {"folder": "photos"}},
            "POST /api/v1/training-runs": {"json": {**dataset, "mechanisms": ["plain"]}},
            "POST /api/v1/trials": {"json": {**dataset, "kind": "cost", "mechanism": "plain"}},
            "POST /api/v1/models/{model_id}/default": {"json": {"default": True}},
            "POST /api/v1/training-runs/{run_id}/move": {"json": {"before": None}},
            "GET /api/v1/training-runs/{run_id}/confusion/images": {
                "params": {"true": 0, "predicted": 1}
            },
            "POST /sign-in/password": {"data": {"password": PASSWORD}},
            "POST /sign-out": {"data": {}},
        }
        return contents.get(operation, {"json": {}} if operation.startswith("POST") else {})

    def _new(self, name: str, role: str) -> str:
        """A new resource for a request that may remove it; `name` is the path's parameter."""
        user = self._users.get(role, self._users["program"])
        makers = {
            "media_id": lambda: self._photo()["media_id"],
            "analysis_id": lambda: self._photo()["analysis_id"],
            "dataset_id": lambda: add_dataset(self.api.web, train=1, val=1),  # type: ignore[arg-type]
            "study_id": lambda: self._study()["study_id"],
            "run_id": lambda: self._study()["run_id"],
            "model_id": self._imported,
            "session_id": lambda: self._browser(user)[0],
            "token_id": lambda: self._token(user),
            "invitation_id": lambda: self._invitation()[0],
            "user_id": lambda: self._add_user(admin=False),
            "owner": lambda: self._photo()["owner"],
        }
        return makers[name]()

    def _photo(self) -> dict[str, str]:
        """The owner's photo and its finished analysis, made again if they were deleted."""
        client = self.api.client
        medium = self.api.upload()["id"]
        analysis = self.api.analyse(medium)
        if analysis["state"] != "succeeded":
            self.api.finish(analysis["id"])
        heatmap = client.get(analysis["links"]["heatmaps"]).json()["items"][0]["id"]
        owner = self.api.web.visitors.read(client.cookies[COOKIE]) or ""
        made = {"media_id": medium, "analysis_id": analysis["id"], "heatmap_id": heatmap}
        return {**made, "owner": owner}

    def _post(self, path: str, **body: Any) -> Any:
        """What the admin makes over the API."""
        cookie = f"{SESSION_COOKIE}={self._browser(self._users['admin'])[1]}"
        body = {"dataset_id": self.ids["dataset_id"], **body}
        self._client.cookies.clear()
        answer = self._client.post(f"/api/v1/{path}", json=body, headers={"Cookie": cookie})
        assert answer.is_success, answer.text
        return answer.json()

    def _study(self) -> dict[str, str]:
        """A study whose only run has ended."""
        study = self._post("training-runs", mechanisms=["plain"])
        work(self.api, study["runs"][0])
        return {"study_id": study["id"], "run_id": study["runs"][0]["id"]}

    def _trial(self) -> str:
        return str(self._post("trials", kind="cost", mechanism="plain")["id"])

    def _imported(self) -> str:
        """An imported model that is not published yet."""
        name = next(self._names)
        source = {"kind": "import", "imported_at": "2026-11-27T10:00:00+00:00"}
        facts: dict[str, Any] = {"title": name, "default": False, "source": source}
        with self.api.web.sessions.begin() as session:
            models.put(session, card(9, name, **facts, private_to=self._users["program"]))
        return name

    def _add_user(self, *, admin: bool) -> str:
        user = User(id=new_id(), name=next(self._names), admin=admin)
        with self.api.web.sessions.begin() as session:
            session.add(user)
            return user.id

    def _browser(self, user_id: str) -> tuple[str, str]:
        """Id and secret of a session that a link has just opened: no password is asked for."""
        with self.api.web.sessions.begin() as session:
            user = session.get_one(User, user_id)
            secret = sessions.start(session, user, sessions.Browser(HERE, "test"), 1, by_link=True)
            session.flush()
            login = sessions.find(session, secret)
            assert login is not None
            return login.id, secret

    def _token(self, user_id: str) -> str:
        with self.api.web.sessions.begin() as session:
            return tokens.create(session, user_id, "test", ["read"], None)[0].id

    def _invitation(self) -> tuple[str, str]:
        """Id and secret."""
        with self.api.web.sessions.begin() as session:
            row, secret = people.invite(session, self._users["program"], utcnow() + HOUR)
            return row.id, secret

    def _link(self) -> str:
        with self.api.web.sessions.begin() as session:
            user = session.get_one(User, self._users["program"])
            return sessions.make_link(session, user)


NEED_THEIR_OWN = {"POST /api/v1/models/{model_id}/publish"}
