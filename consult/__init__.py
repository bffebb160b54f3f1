"""Consult: a city's participation process, from the kickoff to the adopted concept."""

from collections.abc import Mapping

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

import config
from consult import authz, broker, cli, errors, features, filled, forms, i18n, jobs, logs, shell, web
from consult.accounts import sessions
from consult.db import install_connection_rules
from consult.extensions import compress, csrf, db, login_manager, migrate
from consult.outbox import delivery


def create_app(overrides: Mapping[str, str] | None = None) -> Flask:
    """The application: settings, extensions, features, error pages, commands. Starts nothing and migrates nothing."""
    app = Flask(__name__, template_folder="../templates")
    app.request_class = web.Request
    app.config.update(config.settings(overrides))
    logs.init_app(app)

    db.init_app(app)
    with app.app_context():
        install_connection_rules(db.engine)
    migrate.init_app(app, db, directory=str(config.ROOT / "migrations"))
    i18n.init_app(app)
    csrf.init_app(app)
    compress.init_app(app)
    login_manager.init_app(app)
    sessions.init_app(app)
    jobs.install(db.session)
    broker.init_app(app)
    delivery.init_app(app)
    web.init_app(app)
    forms.init_app(app)
    authz.init_app(app)
    shell.init_app(app)
    filled.init_app(app)

    for blueprint in features.blueprints():
        app.register_blueprint(blueprint)
    errors.init_app(app)
    cli.init_app(app)

    if app.config["TRUSTED_PROXIES"]:
        hops = app.config["TRUSTED_PROXIES"]
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]
    return app


__all__ = ["create_app"]
