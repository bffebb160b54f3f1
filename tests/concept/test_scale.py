"""A large text: 600 parts, 20 versions, 3,000 changes, as a city has it after some years."""

from sqlalchemy import func, select

from bench.loader import make_text
from consult.concept import seal
from consult.concept.models import Change, ElementHeir, Lineage, Placement
from consult.concept.working import same_number
from consult.contributions.models import ChangeSource


def test_the_loader_writes_a_text_like_the_operations_do(session, process):
    text = make_text(process, elements=130, versions=5, changes=400)
    assert [version.number for version in text.versions] == [1, 2, 3, 4, 5]
    assert all(seal.is_intact(version) for version in text.versions)
    assert session.scalar(select(func.count()).select_from(Change)) == 400
    newest = select(Placement.element_id).where(Placement.version_id == text.versions[-1].id)
    assert set(session.scalars(newest)) == {element.id for element in text.elements}
    assert abs(len(text.elements) - 130) <= 2
    assert same_number(text.versions[-1].id) == []
    assert session.scalar(select(func.count()).select_from(ChangeSource)) >= 200
    gone = set(session.scalars(select(Lineage.from_element_id)))
    assert gone
    assert gone >= set(session.scalars(select(ElementHeir.element_id)))
