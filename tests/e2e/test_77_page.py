"""The page for people, in a real browser, through the gateway."""

import shutil

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from support.api import unique
from support.gateway import Gateway
from support.programs import Program
from support.times import on
from support.tokens import Signer

SECONDS = 30
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def room(command, query):
    """One that can be found: no event says that there is a new one."""
    made = command.create_room()
    query.room(made, token=made.token)
    return made


@pytest.fixture
def open_page(browser, stack):
    """Opens the page as `user`; at the end of the test nothing may have failed in it, nor been blocked by its policy."""
    pages, errors = [], []

    def open_one(user: str, url: str = stack.env["RR_GATEWAY_URL"], **options) -> Page:
        page = browser.new_context(timezone_id="Asia/Kathmandu", locale="en-GB", **options).new_page()
        page.set_default_timeout(SECONDS * 1000)
        pages.append(page)
        page.on("dialog", lambda dialog: dialog.accept())
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if "Security Policy" in line.text else None)
        page.goto(url)
        if user:
            page.get_by_label("You are").fill(user)
            page.get_by_role("button", name="Go on").click()
            expect(page.get_by_role("status")).to_have_text(f"Hello, {user}.")
        return page

    expect.set_options(timeout=SECONDS * 1000)
    yield open_one
    for page in pages:
        page.context.close()
    assert not errors


def find(page: Page, room, day: str) -> None:
    page.get_by_label("Day").first.fill(day[:10])
    page.get_by_label("Name or place").fill(room["name"])
    expect(page.locator("#room-list h3")).to_have_text([room["name"]])


def book(page: Page, room, title: str, start: str, end: str) -> None:
    page.get_by_role("button", name=f"Book {room['name']}").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("From").fill(start)
    dialog.get_by_label("To", exact=True).fill(end)
    dialog.get_by_label("Title").fill(title)
    dialog.get_by_role("button", name="Book").click()


def mine(page: Page):
    page.get_by_role("link", name="My reservations").click()
    return page.locator("#mine-list")


def test_a_room_is_found_booked_changed_and_given_back(open_page, command, user, room):
    page = open_page(user)
    find(page, room, on(3, "00:00"))
    book(page, room, "Planning", "10:00", "11:00")
    expect(page.get_by_role("status")).to_contain_text(f"Booked: {room['name']}")
    # In Kathmandu, 5 hours and 45 minutes ahead of UTC.
    expect(page.locator("#room-list .times")).to_have_text("00:00–10:0011:00–00:00")
    reservations = mine(page)
    expect(reservations).to_contain_text("Planning")
    expect(reservations).to_contain_text("10:00–11:00")
    reservations.get_by_role("button", name="Change").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("To", exact=True).fill("11:30")
    dialog.get_by_role("button", name="Change").click()
    expect(reservations).to_contain_text("10:00–11:30")
    reservations.get_by_role("button", name="Cancel").click()
    expect(reservations).to_contain_text("cancelled")
    expect(reservations.get_by_role("button")).to_have_count(0)


def test_who_comes_late_is_told_so_and_offered_what_is_free(open_page, command, user, room):
    page = open_page(user)
    find(page, room, on(3, "00:00"))
    page.get_by_role("button", name=f"Book {room['name']}").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("From").fill("10:00")
    dialog.get_by_label("To", exact=True).fill("11:00")
    command.reserve(room, on(3, "04:15"), on(3, "05:15"), unique("other"))
    dialog.get_by_role("button", name="Book").click()
    expect(dialog.get_by_role("alert")).to_contain_text("The room is taken at this time.")
    dialog.get_by_role("button", name="11:00–12:00").click()
    dialog.get_by_role("button", name="Book").click()
    expect(page.get_by_role("status")).to_contain_text("11:00–12:00")


def test_what_others_book_shows_by_itself(open_page, command, user, room):
    page = open_page(user)
    find(page, room, on(3, "00:00"))
    expect(page.locator("#freshness")).to_have_text("up to date, live")
    expect(page.locator("#room-list .times")).to_have_text("00:00–00:00")
    command.reserve(room, on(3, "04:15"), on(3, "05:15"), unique("other"))
    expect(page.locator("#room-list .times")).to_have_text("00:00–10:0011:00–00:00")


def test_a_change_of_what_has_changed_meanwhile_is_not_made(open_page, command, query, user, room):
    booked = command.reserve(room, on(3, "04:15"), on(3, "05:15"), user, title="Old")
    query.reservation(booked, token=booked.token)
    page = open_page(user)
    page.route("**/v1/events", lambda route: route.abort())  # or it would know
    page.reload()
    reservations = mine(page)
    reservations.get_by_role("button", name="Change").click()
    command.change(booked, title="New")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Title").fill("Mine")

    def awaits_the_newest(request) -> bool:
        return f"/users/{user}/reservations" in request.url and "consistency-token" in request.headers

    with page.expect_request(awaits_the_newest):
        dialog.get_by_role("button", name="Change").click()
    expect(dialog.get_by_role("alert")).to_contain_text("has changed since you looked")
    dialog.get_by_role("button", name="Close").click()
    expect(reservations).to_contain_text("New")


def test_popular_times_show_rooms_and_all_hours_of_the_week(open_page, command, user, room):
    command.reserve(room, on(3, "04:15"), on(3, "05:15"), user)
    page = open_page(user)
    page.get_by_role("link", name="Popular times").click()
    expect(page.locator("#heat td:not(:empty)").first).to_be_visible()
    assert page.locator("#heat tbody td").count() == 168
    expect(page.locator("#popular tbody tr").first).to_be_visible()
    expect(page.locator("#busiest")).to_contain_text("Times of Asia/Kat")


def test_text_of_others_is_only_text(open_page, command, query, user):
    room = command.create_room(name=f"<img src=x onerror=alert(1)> {unique('room')}")
    booked = command.reserve(room, on(3, "04:15"), on(3, "05:15"), user, title="<script>alert(1)</script>")
    query.reservation(booked, token=[room.token, booked.token])
    page = open_page(user)
    find(page, room, on(3, "00:00"))
    expect(mine(page)).to_contain_text("<script>alert(1)</script>")
    assert page.locator("main img, main script").count() == 0


def test_the_page_fits_a_phone(open_page, command, query, user):
    room = command.create_room(name=unique("Llanfairpwllgwyngyll" * 5))
    for day in range(3, 15):  # so that it is popular
        booked = command.reserve(room, on(day, "04:15"), on(day, "05:15"), user, title="A_title_that_goes_on_" * 5)
    query.reservation(booked, token=[room.token, booked.token])
    page = open_page(user, viewport=PHONE)
    find(page, room, on(3, "00:00"))
    for name in ("Find a room", "My reservations", "Popular times"):
        page.get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", name=name)).to_be_visible()
        expect(page.locator("main")).to_contain_text(room["name"])
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name


def test_where_tokens_are_asked_for_people_sign_in_with_one(open_page, stack, tmp_path, room):
    signer = Signer(tmp_path / "keys")
    user = unique("user")
    with (
        Program(stack, "command-svc", tmp_path, **signer.settings) as writes,
        Program(stack, "query-svc", tmp_path, **signer.settings) as reads,
        Gateway(
            stack, tmp_path,
            RR_GATEWAY_COMMAND=f"127.0.0.1:{writes.port}", RR_GATEWAY_QUERY=f"127.0.0.1:{reads.port}",
        ) as gateway,
    ):  # fmt: skip
        page = open_page("", gateway.url)
        expect(page.get_by_role("status")).to_contain_text("Please sign in")
        page.get_by_label("Token").fill(signer.headers(user)["Authorization"].removeprefix("Bearer "))
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_role("status")).to_have_text(f"Hello, {user}.")
        find(page, room, on(3, "00:00"))
        book(page, room, "Signed", "10:00", "11:00")
        expect(page.get_by_role("status")).to_contain_text("Booked")
        expect(mine(page)).to_contain_text("Signed")
        expect(page.locator("#freshness")).to_have_text("up to date, live")
        page.close()
