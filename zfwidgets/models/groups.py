"""What people call several of ImageNet's classes at once: the 118 breeds of dogs are all dogs, and no label says so."""

from __future__ import annotations

from collections.abc import Sequence

LANDMARKS = {0: "tench", 151: "chihuahua", 281: "tabby", 388: "giant panda", 999: "toilet tissue"}

# Words of one meaning to the numbers of ImageNet's 1000 classes, by hand.
GROUPS = {
    "aeroplane, airplane, plane, aircraft": "403-405 417 895",
    "ape": "365-369",
    "antelope": "351-353",
    "arachnid": "70-78",
    "amphibian": "25-32",
    "ball": "429-430 522 574 722 768 805 852 890",
    "bear": "294-297",
    "bed": "431 516 520 564 831",
    "beetle": "300-307",
    "bicycle, bike": "444 671 870 880",
    "bird": "7-24 80-100 127-146",
    "boat": "472 484 554 576 625 780 814 871 914",
    "bottle": "440 720 737 898 899 901 907",
    "building": "425 449 483 497-498 580 624 663 668 698 727 743 762 832",
    "bus": "654 779 874",
    "butterfly": "321-326",
    "car, automobile": "407 436 468 511 609 627 656 661 751 817",
    "cat, kitten": "281-293",
    "chair": "423 559 703 765 857",
    "chicken, hen, rooster": "7-8",
    "clock, watch": "409 530-531 604 826 835 892",
    "computer": "527 590 620 681",
    "cow, cattle": "345-347",
    "crab": "118-121 125",
    "crocodile, alligator": "49-50",
    "crustacean": "118-126",
    "dog, puppy": "151-268",
    "duck": "97-98",
    "elephant": "101 385-386",
    "fish": "0-6 389-397",
    "flower": "985-986",
    "food": "924-957 959-965",
    "fox": "277-280",
    "frog, toad": "30-32",
    "fruit": "948-957",
    "fungus": "947 991-997",
    "goat": "350",
    "gun, weapon": "413 763-764",
    "hat": "439 452 515 667 808",
    "horse": "339 603",
    "hound": "160-178",
    "insect": "300-326",
    "lemur": "383-384",
    "lizard": "38-48",
    "lobster": "122-124",
    "mollusc, mollusk": "112-117",
    "monkey": "370-382",
    "motorcycle, motorbike": "665 670",
    "musical instrument": "401-402 420 432 486 494 513 541 546 558 566 577 579 593-594 641-642 683-684 687 699 776 822"
    " 875 881 889",
    "panda": "387-388",
    "parrot": "87-90",
    "phone, telephone": "487 528 707",
    "piano": "579 881",
    "pig": "341-343",
    "polar bear": "296",
    "poodle": "265-267",
    "primate": "365-384",
    "rabbit, bunny": "330-332",
    "ray": "5-6",
    "reptile": "33-68",
    "retriever": "205-209",
    "rodent": "333-338",
    "shark": "2-4",
    "sheep": "348-349",
    "ship": "403 510 628 724 780 913",
    "shoe": "502 514 630 770 774",
    "snake": "52-68",
    "spaniel": "152 156 215-221",
    "spider": "72-77",
    "spitz": "248-250 257-261",
    "table": "532 736",
    "terrier": "158 179-204",
    "train": "466 547 565 705 820 829",
    "truck": "555 569 675 717 734 864 867",
    "turtle, tortoise": "33-37",
    "vegetable": "936-946",
    "whale": "147-148",
    "wolf": "269-272",
}


def label_groups(labels: Sequence[str]) -> dict[str, list[int]]:
    """The numbers of the classes that go by each of these words; none, where the labels are not ImageNet's."""
    if len(labels) != 1000 or any(name not in labels[number].lower() for number, name in LANDMARKS.items()):
        return {}
    return {words: list(_numbers(ranges)) for words, ranges in GROUPS.items()}


def _numbers(ranges: str) -> list[int]:
    found: list[int] = []
    for part in ranges.split():
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found
