"""Leaf through a data set: pages of pictures with their labels laid over."""

import html
import io

from course_lib.show.figures import LARGEST, display_sheet, sheet_of
from course_lib.show.labels import VOID
from course_lib.show.page_figure import page_figure
from course_lib.show.pages import Pages, class_id, in_words
from course_lib.show.widgets import WIDGET, sentence

ANY = -1  # a widget's None means that nothing is chosen
PATIENCE = 3.0  # seconds a search may take before its page is shown


def browse(
    dataset,
    *,
    alt: str = "",
    only: str | None = None,
    columns: int = 4,
    rows: int = 2,
    alpha: float = 0.5,
    largest: int = LARGEST,
) -> None:
    """Show the first page of a data set, then live widgets to leaf through it.

    Void is hatched in black and white. The first page is what GitHub and the book
    show; page, class and strength of the labels move in JupyterLab, Jupyter Notebook
    and Colab, by mouse or keyboard. Only the pictures of a page are read, and where a
    class is looked for, labels up to the last one that is shown.

    Args:
        dataset: any reader, for segmentation or detection.
        alt: what the page shows; made from the labels where none is given.
        only: name of a class, or "void": pictures that show it, with it alone marked.
        columns: pictures in a row.
        rows: rows on a page.
        alpha: strength of the labels, 0 to 1.
        largest: bytes the first page may take.

    Raises:
        InputError: for an unknown class, and a data set without pictures.
    """
    browser = Browser(dataset, only, columns, rows, alpha)
    said = browser.said
    display_sheet(browser.sheet, alt or f"Labels laid over pictures. {said}", largest)
    from IPython.display import display

    small = f'<small style="color:#767676">{html.escape(said)}</small>'
    display({"text/plain": said, "text/html": small}, raw=True)
    view = {"version_major": 2, "version_minor": 0, "model_id": browser.panel.model_id}
    text = "Run this cell to turn the pages and to choose a class."
    display({"text/plain": text, WIDGET: view}, raw=True)


class Browser:
    """The live half of ``browse``: ``panel`` holds all widgets.

    Attributes:
        said: what is to be seen, in words; a screen reader speaks it on each turn.
        sheet: the page, drawn.
    """

    def __init__(
        self, dataset, only: str | None = None, columns=4, rows=2, alpha: float = 0.5
    ):
        """Draw the first page; ``browse`` says what the arguments mean."""
        import ipywidgets as w

        self.pages, self.columns = Pages(dataset, columns * rows), columns
        wanted = ANY if only is None else class_id(dataset.classes, only)
        names = [(name, i) for i, name in enumerate(dataset.classes.names)]
        look = {"style": {"description_width": "initial"}}
        self.shows = w.Dropdown(
            options=[("any class", ANY), *names, ("void", VOID)],
            value=wanted,
            description="pictures that show",
            **look,
        )
        self.strength = w.FloatSlider(
            value=alpha,
            max=1,
            step=0.1,
            description="strength of labels",
            continuous_update=False,
            **look,
        )
        self.page = w.BoundedIntText(
            value=1, min=1, max=self.most, description="page", layout={"width": "11em"}
        )
        self.back = w.Button(
            description="previous page", tooltip="Show the page before"
        )
        self.on = w.Button(description="next page", tooltip="Show the page after")
        self.picture = w.Image(format="png", layout={"max_width": "100%"})
        self.status = w.HTML()
        bars = [w.HBox([self.back, self.page, self.on]),
                w.HBox([self.shows, self.strength])]  # fmt: skip
        self.panel = w.VBox([*bars, self.status, self.picture])
        self.draw()
        self.listen()

    def listen(self) -> None:
        """Draw anew when a widget changes."""
        self.back.on_click(lambda _: self.turn_back())
        self.on.on_click(lambda _: self.turn_on())
        self.shows.observe(lambda _: self.choose(), names="value")
        for widget in (self.page, self.strength):
            widget.observe(lambda _: self.redraw(), names="value")

    @property
    def most(self) -> int:
        """Pages there can be: a class may be in fewer pictures."""
        return -(-len(self.pages.dataset) // self.pages.size)

    @property
    def wanted(self) -> int | None:
        """The class that is looked for."""
        return None if self.shows.value == ANY else self.shows.value

    def draw(self, seconds: float = float("inf")) -> None:
        """Draw the page that the widgets ask for.

        Args:
            seconds: that the search for a class may take; then it shows what it has.
        """
        pages, wanted = self.pages, self.wanted
        numbers = pages.numbers(self.page.value - 1, wanted, seconds)
        count = pages.count(wanted)
        last = self.most if count is None else max(1, -(-count // pages.size))
        if self.page.value > last:
            self.page.max = last  # which turns back to it, and draws it
            return
        shown = [pages.read(i) for i in numbers]
        self.whole = len(shown) == pages.size
        self.page.max = last
        self.back.disabled = self.page.value == 1
        self.on.disabled = self.page.value == last and (self.whole or count is not None)
        self.said = in_words(shown, pages, wanted)
        classes, alpha = pages.dataset.classes, self.strength.value
        fig = page_figure(shown, classes, wanted, alpha, self.columns)
        self.sheet = sheet_of(fig)
        self.tell(self.said, self.sheet)

    def tell(self, said: str, sheet=None) -> None:
        """Put words and picture on the page; without a picture, the words alone."""
        self.status.value = (
            f'<p role="status" aria-live="polite">{html.escape(said)}</p>'
        )
        self.picture.layout.display = "" if sheet else "none"
        if sheet:
            file = io.BytesIO()
            sheet.save(file, "PNG", compress_level=1)
            self.picture.value = file.getvalue()

    def redraw(self) -> None:
        """Draw; what goes wrong is told in a sentence in the place of the picture."""
        try:
            self.draw(PATIENCE)
        except Exception as error:  # whatever it is, the reader must see it
            self.tell(sentence(error))

    def turn_back(self) -> None:
        """Show the page before."""
        self.page.value -= 1

    def turn_on(self) -> None:
        """Show the page after; where a search was broken off, go on with it."""
        if self.whole:
            self.page.value += 1
        else:
            self.redraw()

    def choose(self) -> None:
        """Look for another class, from the first page on."""
        self.page.max = self.most
        if self.page.value > 1:
            self.page.value = 1  # which draws it
        else:
            self.redraw()
