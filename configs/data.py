"""Data sets: what is translated, and what the pictures are like.

Each is a mapping of the fields in which it differs from `configs/teacher.py`,
whose data are CelebA.
"""

from typing import Any

CELEBA_ATTRIBUTES = (
    "Blond_Hair", "Mustache", "Goatee", "Eyeglasses", "Rosy_Cheeks",
    "Pale_Skin", "Heavy_Makeup",
)  # fmt: skip
# What else the attribute classifier knows of CelebA: these may change along.
CELEBA_ALSO = (
    "Male", "Young", "Smiling", "Bald", "Wearing_Lipstick", "Black_Hair",
    "Brown_Hair", "Gray_Hair",
)  # fmt: skip

# Of CelebA where a recipe names none (`:photos`): what people ask for, and what
# a few thousand photos have often enough to be learnt from.
PHOTO_ATTRIBUTES = (
  "Smiling", "Male", "Young", "Black_Hair", "Blond_Hair", "Brown_Hair",
  "Eyeglasses",
)  # fmt: skip

# AttGAN's and STGAN's.
ATTGAN_ATTRIBUTES = (
  "Bald", "Bangs", "Black_Hair", "Blond_Hair", "Brown_Hair", "Bushy_Eyebrows",
  "Eyeglasses", "Male", "Mouth_Slightly_Open", "Mustache", "No_Beard",
  "Pale_Skin", "Young",
)  # fmt: skip

AVATAR_ATTRIBUTES = (
    "Black_Hair", "Blond_Hair", "Gray_Hair", "Eyeglasses", "Goatee",
    "Pale_Skin", "Smiling",
)  # fmt: skip
# And of avatars.
AVATAR_ALSO = (
    "Male", "Young", "Brown_Hair", "Wavy_Hair", "Bangs", "Mustache",
    "No_Beard", "Rosy_Cheeks", "Wearing_Lipstick", "Arched_Eyebrows",
)  # fmt: skip
# An attribute that one face in eight has comes out faint: here each is frequent
# enough to be learnt in minutes. Nobody is bald or wears a hat, since three of
# the attributes are colours of the hair.
AVATAR_SHARES = {
  "Black_Hair": 0.25, "Blond_Hair": 0.25, "Gray_Hair": 0.25, "Bald": 0.0,
  "Wearing_Hat": 0.0, "Eyeglasses": 0.5, "Goatee": 0.4, "No_Beard": 0.5,
  "Pale_Skin": 0.4, "Smiling": 0.5,
}  # fmt: skip
# Women have beards as often as men, so that a goatee can be learnt on anyone.
AVATAR_CONDITIONS = {"Male": {"No_Beard": 0.5}}

# RaFD's eight, as its file names spell them.
EXPRESSIONS = (
    "angry", "contemptuous", "disgusted", "fearful", "happy", "neutral",
    "sad", "surprised",
)  # fmt: skip

AVATARS: dict[str, Any] = {
  "data.name": "avatars",
  "data.attributes": AVATAR_ATTRIBUTES,
  "data.distribution": AVATAR_SHARES,
  "data.conditional": AVATAR_CONDITIONS,
  "classifier.also": AVATAR_ALSO,
}
# Of whoever gives their place: CelebA's files, a folder of classes or a table.
PHOTOS: dict[str, Any] = {
  "data.name": "photos",
  "data.attributes": (),
  "data.crop": 0,
}
RAFD: dict[str, Any] = {
  "data.name": "folder",
  "data.attributes": EXPRESSIONS,
  "data.label_rule": "exclusive",
  "data.crop": 256,
  # Nobody has two expressions: there is nothing else to change along.
  "classifier.also": (),
}
