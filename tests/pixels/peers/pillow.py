"""Pillow, as a side of the bench and as its neutral decoder.

It reads orders, a line of JSON each. `{"file", "set", "iterations", "out"}` is
work in memory, as often as it says: decoded once by libjpeg's own scaling
(`draft`), then one `thumbnail` after the other, the largest first. `{"decode",
"to"}` writes the whole picture, upright, in sRGB and over white, as RGB bytes.
"""

import io
import json
import resource
import sys
import time

from PIL import Image, ImageCms, ImageOps, ImageSequence

Image.MAX_IMAGE_PIXELS = None
SRGB = ImageCms.createProfile("sRGB")
SAVED = {
    "image/webp": lambda quality: {"format": "WEBP", "quality": quality, "method": 4},
    "image/jpeg": lambda quality: {"format": "JPEG", "quality": quality, "optimize": True},
    "image/png": lambda _: {"format": "PNG"},
}


def in_srgb(image):
    """What its profile means; without one, what Pillow takes it for."""
    profile = image.info.get("icc_profile")
    alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    wanted = "RGBA" if alpha else "RGB"
    if profile and image.mode in ("RGB", "CMYK", "L"):
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(image, profile, SRGB, outputMode="RGB")
        except ImageCms.PyCMSError:
            pass
    return image if image.mode == wanted else image.convert(wanted)


def side(spec):
    return max(spec["params"]["width"], spec["params"]["height"])


def still(data, ordered):
    """The whole set of a still picture; the largest spec comes first."""
    boxes = [(spec["params"]["width"], spec["params"]["height"]) for spec in ordered]
    image = Image.open(io.BytesIO(data))
    image.draft("RGB", boxes[0])
    image.thumbnail(boxes[0], Image.Resampling.LANCZOS)
    image = in_srgb(ImageOps.exif_transpose(image))
    for spec, box in zip(ordered, boxes):
        image.thumbnail(box, Image.Resampling.LANCZOS)
        yield image, encoded(image, spec)


def animated(data, ordered):
    """Each size from the frames as they are: Pillow keeps only whole ones."""
    source = Image.open(io.BytesIO(data))
    frames, durations = [], []
    for frame in ImageSequence.Iterator(source):
        frames.append(frame.convert("RGBA"))
        durations.append(frame.info.get("duration", 100))
    for spec in ordered:
        for frame in frames:
            frame.thumbnail((spec["params"]["width"], spec["params"]["height"]), Image.Resampling.LANCZOS)
        yield frames[0], encoded(
            frames[0], spec, save_all=True, append_images=frames[1:], duration=durations, loop=source.info.get("loop", 0)
        )


def encoded(image, spec, **more):
    out = io.BytesIO()
    image.save(out, **SAVED[spec["content_type"]](spec["params"]["quality"]), **more)
    return out.getvalue()


def cpu_ms():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1e3


def peak_kib():
    with open("/proc/self/status", encoding="ascii") as status:
        return int(next(line for line in status if line.startswith("VmHWM:")).split()[1])


def work(order):
    with open(order["file"], "rb") as file:
        data = file.read()
    ordered = sorted(order["set"], key=side, reverse=True)
    make = animated if order["switches"]["animated"] else still
    took = []
    for _ in range(order["iterations"]):
        before, begun = cpu_ms(), time.perf_counter()
        made = [(image.size, bytes_) for image, bytes_ in make(data, ordered)]
        took.append((cpu_ms() - before, (time.perf_counter() - begun) * 1e3))
    peak = peak_kib()
    outputs = []
    for spec, ((width, height), bytes_) in zip(ordered, made):
        index = order["set"].index(spec)
        outputs.append({"index": index, "bytes": len(bytes_), "width": width, "height": height})
        if order["out"]:
            with open(f"{order['out']}.{index}", "wb") as file:
                file.write(bytes_)
    return {"took": took, "peak_kib": peak, "outputs": outputs}


def decode(order):
    image = Image.open(order["decode"])
    # Before anything looks at its pixels: a profile of gray or CMYK is of those.
    image = in_srgb(ImageOps.exif_transpose(image))
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    with open(order["to"], "wb") as file:
        # In strips, so that a giant is in memory once.
        for top in range(0, image.height, 256):
            file.write(image.crop((0, top, image.width, min(top + 256, image.height))).tobytes())
    return {"width": image.width, "height": image.height}


print("ready", flush=True)
for line in sys.stdin:
    try:
        order = json.loads(line)
        answer = decode(order) if "decode" in order else work(order)
    except Exception as error:  # noqa: BLE001 - whoever asked is told
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
