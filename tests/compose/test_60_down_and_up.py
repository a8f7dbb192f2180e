"""What was booked outlives the containers; down -v leaves nothing."""

from stacklib import demo
from support.api import Command, Query
from support.times import on


def test_down_and_up_again_keeps_the_data(project, engine):
    """Also where `demo` is lost, as when the backups are all that is left."""
    command = Command(project.url)
    room = command.create_room()
    kept = command.reserve(room, on(3, "10:00"), on(3, "11:00"), "dora")
    passwords = project.secret("mysql", "mysql-root")
    project.down()
    assert project.containers(all=True) == []
    engine.docker("volume", "rm", f"{project.name}_demo")
    project.up()
    assert "left out" in project.compose("logs", "--no-log-prefix", "--tail", "1", "demo")
    assert project.secret("mysql", "mysql-root") == passwords
    assert Command(project.url).reservation(kept)["version"] == 1
    assert Query(project.url).reservation(kept, token=kept.token)["user_id"] == "dora"
    names = [item["name"] for item in Query(project.url).rooms(limit=200)["items"]]
    assert all(names.count(name) == 1 for name, *_ in demo.ROOMS)
    assert project.verify()[0] == 0


def test_down_with_volumes_leaves_nothing(project, engine):
    project.down("--volumes")
    label = f"label=com.docker.compose.project={project.name}"
    for kind in ("container", "volume", "network"):
        everything = ["--all"] if kind == "container" else []
        assert engine.docker(kind, "ls", "--quiet", *everything, "--filter", label) == ""
    if engine.own:
        assert engine.docker("volume", "ls", "--quiet") == ""
