"""Pictures with their keypoints drawn in."""

import io

from PIL import Image, ImageDraw

RADIUS = 1 / 60  # of the longer side
SMALLEST_SIDE = 384  # px; smaller pictures are enlarged, or the points would hide the face


def draw_keypoints(picture, keypoints, path):
    """Writes a picture with a dot at each keypoint.

    Args:
        picture: bytes of the picture file.
        keypoints: `(K, 2)`, px of the picture; (0, 0) is the centre of the top left pixel.
        path: where to write; the ending tells the format.
    """
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    zoom = max(1, -(-SMALLEST_SIDE // max(image.size)))
    image = image.resize((image.width * zoom, image.height * zoom), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    radius = max(image.size) * RADIUS
    for x, y in (keypoints + 0.5) * zoom - 0.5:
        box = (x - radius, y - radius, x + radius, y + radius)
        draw.ellipse(box, fill=(255, 214, 10), outline=(0, 0, 0), width=max(1, round(radius / 4)))
    image.save(path)
