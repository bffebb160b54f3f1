"""The four stances are one question with four answers, each a large label to press."""

from tests.contributions.factories import make_town


def test_stances_are_a_group_with_a_name_and_labels_around_the_buttons(session, browser, browser_of):
    town = make_town()
    session.commit()
    for visitor in (browser, browser_of(town.citizen)):
        html = visitor.get(town.path(f"/e/{town.goal.key}/comment")).html
        group = html.find("input", attrs={"name": "stance"}).find_parent("fieldset")
        assert group is not None
        assert group.legend.text.strip()
        buttons = group.find_all("input", attrs={"name": "stance"})
        assert [button["value"] for button in buttons] == ["support", "concern", "change", "question"]
        assert all(button.find_parent("label") for button in buttons)
