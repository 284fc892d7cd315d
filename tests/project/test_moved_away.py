"""A project file that is moved or deleted while it is open: said, and saved again."""

import os

import pytest
from project.random_edits import document

from napari_cotracker.errors import ProjectError
from napari_cotracker.project import Annotations, Project, Recording
from napari_cotracker.project import track_edits as whole

A = 3
NOWHERE = Recording((12, 60, 80), "0" * 64)

pytestmark = pytest.mark.skipif(
    os.name == "nt", reason="Windows keeps what is open where it is"
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mouse.ctk"


@pytest.fixture
def project(path):
    with Project.create(path, Annotations(document()), NOWHERE) as made:
        rename(made, "before")
        yield made


def rename(project, name):
    project.edit(whole.rename_track(project.document, A, name))


def test_no_step_is_taken_that_nobody_would_find(project, path):
    away = path.with_name("away.ctk")
    path.rename(away)
    with pytest.raises(ProjectError, match="moved, deleted or replaced"):
        rename(project, "lost")
    assert project.document.name_of(A) == "before"
    away.rename(path)
    rename(project, "back")
    project.close()
    with Project.open(path) as again:
        assert again.document.name_of(A) == "back"


def test_another_file_of_its_name_is_left_alone(project, path):
    away = path.with_name("away.ctk")
    path.rename(away)
    path.write_bytes(b"of somebody else")
    with pytest.raises(ProjectError, match="moved, deleted or replaced"):
        rename(project, "lost")
    assert path.read_bytes() == b"of somebody else"
    os.replace(away, path)
    rename(project, "back")


def test_it_is_saved_again_where_it_lay(project, path):
    path.unlink()
    with project.copied(path, NOWHERE, overwrite=True) as copy:
        rename(copy, "after")
        project.close()
        with pytest.raises(ProjectError, match="open already"):
            Project.open(path)
    with Project.open(path) as again:
        assert again.document.name_of(A) == "after"
        again.undo()
        assert again.document.name_of(A) == "before"
