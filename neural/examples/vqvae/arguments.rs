//! The command line.

/// The command line.
pub struct Arguments {
    pub file: String,
    pub walk: usize,
    pub traced: usize,
    pub iterations: usize,
    pub seed: u64,
    pub every: usize,
    pub others: Vec<String>,
    pub prices: Vec<f32>,
    pub learn: Option<String>,
    pub save: Option<String>,
    pub load: Option<String>,
    pub json: Option<String>,
}

impl Arguments {
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut found = Self {
            file: String::new(),
            walk: 24,
            traced: 20,
            iterations: 1500,
            seed: 1,
            every: 1,
            others: Vec::new(),
            prices: Vec::new(),
            learn: None,
            save: None,
            load: None,
            json: None,
        };
        while let Some(word) = words.next() {
            if !word.starts_with("--") {
                found.file = word;
                continue;
            }
            let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
            match &*word {
                "--walk" => found.walk = number(&word, &value)?,
                "--traced" => found.traced = number(&word, &value)?,
                "--iterations" => found.iterations = number(&word, &value)?,
                "--seed" => found.seed = number(&word, &value)?,
                "--every" => found.every = number(&word, &value)?,
                "--other" => found.others.push(value),
                "--price" => found.prices.push(number(&word, &value)?),
                "--learn" => found.learn = Some(value),
                "--save" => found.save = Some(value),
                "--load" => found.load = Some(value),
                "--json" => found.json = Some(value),
                _ => return Err(format!("there is no option {word}")),
            }
        }
        if found.file.is_empty() || found.every == 0 {
            return Err("usage: vqvae FILE.npy [OPTION VALUE]..., and --every is at least 1".to_owned());
        }
        if found.others.is_empty() {
            found.others = ["mlp", "balanced"].map(str::to_owned).to_vec();
        }
        if found.prices.is_empty() {
            found.prices = vec![4.0, 16.0, 64.0];
        }
        Ok(found)
    }
}

fn number<T: std::str::FromStr>(word: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{word} {value}: not a number of this kind"))
}
