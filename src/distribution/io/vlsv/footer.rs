//! The footer: an XML document whose elements are the file's arrays.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::array::{Array, excerpt};
use super::source::Source;
use crate::error::Result;

/// Largest footer that is read. Those of large runs have thousands of elements, of some 200 bytes each.
const MAX_FOOTER: u64 = 1 << 26;
/// Largest number of elements that are kept.
const MAX_ELEMENTS: usize = 1 << 16;
const END: &[u8] = b"</VLSV>";

/// Elements that the reader knows. Others are skipped.
const TAGS: [&str; 15] = [
    "BLOCKCOORDINATES",
    "BLOCKIDS",
    "BLOCKSPERCELL",
    "BLOCKVARIABLE",
    "BYTESPERCELL",
    "CELLSWITHBLOCKS",
    "CONFIG",
    "MESH",
    "MESH_BBOX",
    "MESH_NODE_CRDS_X",
    "MESH_NODE_CRDS_Y",
    "MESH_NODE_CRDS_Z",
    "PARAMETER",
    "PARAMETERS",
    "VARIABLE",
];

/// An element of the footer.
#[derive(Debug, Clone)]
pub(super) struct Element {
    pub(super) tag: &'static str,
    pub(super) name: Option<Box<str>>,
    pub(super) mesh: Option<Box<str>>,
    /// Value of a parameter before 2014.
    pub(super) value: Option<Box<str>>,
    pub(super) compression: Option<Box<str>>,
    pub(super) refinement: Option<Box<str>>,
    /// The array, or what is wrong with its description: that matters only if somebody asks for it.
    array: std::result::Result<Array, Box<str>>,
}

impl Element {
    /// The array, with an error that names the element.
    pub(super) fn array(&self, source: &Source) -> Result<Array> {
        self.array.clone().map_err(|problem| source.malformed(format!("{}: {problem}", self.label())))
    }

    /// The element in an error: `BLOCKIDS of proton`.
    pub(super) fn label(&self) -> String {
        match self.name.as_ref().or(self.mesh.as_ref()) {
            Some(name) => format!("{} of {}", self.tag, excerpt(name).trim_matches('"')),
            None => self.tag.to_owned(),
        }
    }
}

/// The elements of the footer, in the file's order.
#[derive(Debug)]
pub(super) struct Footer {
    elements: Vec<Element>,
}

impl Footer {
    pub(super) fn read(source: &Source) -> Result<Self> {
        let offset = source.word(&source.bytes(8, 8, "header")?);
        if !(16..source.length()).contains(&offset) {
            let problem = "a file that was not closed, or not a VLSV file";
            let length = source.length();
            return Err(source.malformed(format!("the footer should begin at byte {offset} of {length}: {problem}")));
        }
        let length = source.length() - offset;
        if length > MAX_FOOTER {
            let problem = format!("a footer of {length} bytes, at most {MAX_FOOTER} are read");
            return Err(source.malformed(problem));
        }
        let bytes = source.bytes(offset, length, "footer")?;
        let end = bytes.windows(END.len()).rposition(|window| window == END);
        let end = end.ok_or_else(|| source.malformed("the footer does not end with </VLSV>: the file was cut"))?;
        let text = String::from_utf8_lossy(&bytes[..end + END.len()]);
        Self::parse(&text).map_err(|problem| source.malformed(format!("footer: {problem}")))
    }

    fn parse(text: &str) -> std::result::Result<Self, String> {
        let mut reader = Reader::from_str(text);
        let mut elements = Vec::new();
        let (mut depth, mut open, mut content) = (0_usize, None, String::new());
        loop {
            let event = reader.read_event().map_err(|problem| {
                format!("{} at its byte {}", excerpt(&problem.to_string()), reader.error_position())
            })?;
            match event {
                Event::Start(start) => {
                    if depth == 1 {
                        open = Some(start);
                        content.clear();
                    }
                    depth += 1;
                }
                Event::Empty(start) if depth == 1 => elements.extend(element(&start, "")?),
                Event::End(_) => {
                    depth = depth.saturating_sub(1);
                    if let (1, Some(start)) = (depth, open.take()) {
                        elements.extend(element(&start, &content)?);
                    }
                }
                Event::Text(text) if depth == 2 => content.push_str(&text),
                // Character references have no place in an offset; with this it is none.
                Event::GeneralRef(_) | Event::CData(_) if depth == 2 => content.push('&'),
                Event::DocType(_) => return Err("it declares a document type, which is not read".to_owned()),
                Event::Eof => break,
                _ => {}
            }
            if elements.len() > MAX_ELEMENTS {
                return Err(format!("more than {MAX_ELEMENTS} elements"));
            }
        }
        Ok(Self { elements })
    }

    /// The elements with this tag.
    pub(super) fn all<'a>(&'a self, tag: &'a str) -> impl Iterator<Item = &'a Element> {
        self.elements.iter().filter(move |element| element.tag == tag)
    }

    /// The first element with this tag and name.
    pub(super) fn named<'a>(&'a self, tag: &'a str, name: &str) -> Option<&'a Element> {
        self.all(tag).find(|element| element.name.as_deref() == Some(name))
    }

    /// The first element with this tag that belongs to a mesh.
    pub(super) fn of_mesh<'a>(&'a self, tag: &'a str, mesh: &str) -> Option<&'a Element> {
        self.all(tag).find(|element| element.mesh.as_deref() == Some(mesh))
    }

    /// A parameter of the run: the first of `names` that is there.
    pub(super) fn parameter(&self, source: &Source, names: &[&str]) -> Result<Option<f64>> {
        for name in names {
            if let Some(element) = self.named("PARAMETER", name) {
                let values = source.floats(&element.array(source)?, 0, 1, &element.label())?;
                return Ok(values.first().copied());
            }
            if let Some(value) = self.named("PARAMETERS", name).and_then(|element| element.value.as_deref()) {
                let wrong = |_| source.malformed(format!("the parameter {name} is {}", excerpt(value)));
                return value.trim().parse().map(Some).map_err(wrong);
            }
        }
        Ok(None)
    }
}

/// The element that a tag describes, if the reader knows it.
fn element(start: &BytesStart<'_>, text: &str) -> std::result::Result<Option<Element>, String> {
    let tag = start.name();
    let Some(&tag) = TAGS.iter().find(|known| **known == tag.0) else { return Ok(None) };
    let (mut attributes, mut all) = (start.attributes(), Vec::new());
    // Duplicates are harmless here, and to look for them takes time that grows with their square.
    for attribute in attributes.with_checks(false) {
        let attribute = attribute.map_err(|problem| format!("{tag}: {problem}"))?;
        let value =
            attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|problem| format!("{tag}: {problem}"))?;
        all.push((attribute.key, value));
    }
    let get = |name: &str| {
        let found = all.iter().find(|(key, _)| key.0 == name);
        found.map(|(_, value)| value.to_string())
    };
    let kept = |name: &str| get(name).map(String::into_boxed_str);
    Ok(Some(Element {
        tag,
        name: kept("name"),
        mesh: kept("mesh"),
        value: kept("value"),
        compression: kept("compression"),
        refinement: kept("max_velocity_ref_level"),
        array: Array::parse(get, text).map_err(String::into_boxed_str),
    }))
}
