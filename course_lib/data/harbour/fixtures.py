"""How what stands fast is drawn: masts, lamp posts, railings, buoys, bushes."""

from course_lib.data.harbour import pen as p
from course_lib.data.harbour.things import WHITE, Thing, parts, shade


def upright(pen: p.Pen, thing: Thing, paint: int) -> float:
    """An upright of exactly ``thin`` pixels; returns the column where it begins."""
    left = round(thing.x - thing.thin / 2)
    pen.box(left, thing.y - thing.tall, left + thing.thin, thing.y, paint)
    return left


def mast(pen: p.Pen, thing: Thing) -> None:
    """A mast: nothing but an upright ``thin`` pixels wide."""
    upright(pen, thing, pen.paint(thing.colour, p.MAST, thing.instance))


def lamp(pen: p.Pen, thing: Thing) -> None:
    """A lamp post with its arm and lantern."""
    upright(pen, thing, pen.paint(thing.colour, p.LAMP, thing.instance))
    top, s = thing.y - thing.tall, thing.size
    arm = [(-0.02, 0.0), (0.2, -0.05), (0.2, 0.01), (-0.02, 0.07)]
    paint = pen.paint(thing.colour, p.LAMP, thing.instance)
    pen.shape(arm, thing.x, top, s * thing.way, s, paint)
    glow = pen.paint((255, 236, 170), p.LAMP, thing.instance)
    lantern = [(0.12, -0.02), (0.32, -0.02), (0.28, 0.09), (0.16, 0.09)]
    pen.shape(lantern, thing.x, top, s * thing.way, s, glow)


def railing(pen: p.Pen, thing: Thing) -> None:
    """Railing: posts and a rail, all ``thin`` pixels; ``style`` px down per px along.

    It has the class of the lamp posts, and a stretch is one instance.
    """
    paint = pen.paint(thing.colour, p.LAMP, thing.instance)
    step, count = thing.tall * 1.3 + thing.thin, max(2, round(thing.size / thing.tall))
    for k in range(count):
        left, foot = round(thing.x + k * step), thing.y + thing.style * k * step
        pen.box(left, foot - thing.tall, left + thing.thin, foot, paint)
        if k < count - 1:
            right, top = round(thing.x + (k + 1) * step), round(foot - thing.tall)
            pen.box(left, top, right + thing.thin, top + thing.thin, paint)


def buoy(pen: p.Pen, thing: Thing) -> None:
    """A buoy: a float, a cone and a white band."""
    body = [(-0.5, -0.16), (-0.2, -0.34), (-0.15, -0.95), (0.15, -0.95), (0.2, -0.34)]
    body += [(0.5, -0.16), (0.4, 0.12), (-0.4, 0.12)]
    band = [(-0.19, -0.48), (-0.17, -0.72), (0.17, -0.72), (0.19, -0.48)]
    parts(pen, thing, p.BUOY, [(body, thing.colour), (band, WHITE)])
    top = pen.paint(shade(thing.colour, 0.8), p.BUOY, thing.instance)
    pen.disc(thing.x, thing.y - 1.12 * thing.size, 0.26 * thing.size, top)


def bush(pen: p.Pen, thing: Thing) -> None:
    """A low round bush; it counts as lawn."""
    for at, r, tone in ((-0.3, 0.3, 0.72), (0.28, 0.34, 0.78), (0.0, 0.42, 0.86)):
        paint = pen.paint(shade(thing.colour, tone), p.LAWN, material=p.GRASS)
        pen.disc(
            thing.x + at * thing.size,
            thing.y - (r - 0.05) * thing.size,
            r * thing.size,
            paint,
        )
