//! Mappings of WireMock 3: a mock without state, which answers by the users that an appliance begins with.
//!
//! The appliance is asked about every kind of request, and what it answers becomes a stub. Of the stubs that match a request the
//! one with the lowest priority counts, so that those with more conditions come first.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri, header};
use serde_json::{Map, Value as Json, json};

use super::{Format, Source, escaped, evaluate, exchanges::new_password, schema::USERNAME, text};
use crate::{
    appliance::{Policy, User},
    contract::{Field, Operation, Outcome},
};

pub(super) const FORMAT: Format = Format {
    name: "wiremock",
    about: "mappings of WireMock 3, for a mock without state",
    has_exchanges: false,
    has_passwords: true,
    render: |source| {
        let of_operation = |operation: &Operation| OperationStubs::new(source, *operation).all();
        let mut stubs: Vec<Json> = Operation::ALL.iter().flat_map(of_operation).collect();
        let request = Request::new(Bytes::new());
        let any = json!({ "method": "ANY", "urlPathPattern": ".*" });
        stubs.push(stub(source, 99, &request, any));
        format!("{:#}\n", json!({ "mappings": stubs }))
    },
};

/// Makes the stubs of one operation.
struct OperationStubs<'a> {
    source: &'a Source,
    operation: Operation,
    paths: &'a [String],
    method: &'a str,
    accepts: &'a [String],
    /// The fields, each with the names that are taken.
    fields: BTreeMap<Field, &'a [String]>,
}

/// A body, and the schema of those that it stands for.
#[derive(Clone)]
struct Body<'a> {
    json: Map<String, Json>,
    conditions: Vec<Json>,
    /// The greater, the more is asked of a body.
    weight: usize,
    /// Those it signs in, of whom it has the first.
    signs_in: Vec<&'a User>,
    /// Those it is about, of whom it has the first.
    about: Vec<&'a User>,
}

/// A field, and what of a user it has.
type UserField = (Field, fn(&User) -> &str);

impl<'a> OperationStubs<'a> {
    fn new(source: &'a Source, operation: Operation) -> OperationStubs<'a> {
        let clause = source.contract.clause(operation);
        let reading = |point: &str| source.served(&format!("{operation}.{point}"));
        let fields = clause.fields.iter();
        let fields = fields
            .map(|(field, names)| (*field, names.pick(reading(field.name())).is.0.as_slice()));
        OperationStubs {
            source,
            operation,
            paths: &clause.path.pick(reading("path")).is.0,
            method: &clause.method.pick(reading("method")).is.0,
            accepts: &clause.accepts.pick(reading("accepts")).is.0,
            fields: fields.collect(),
        }
    }

    fn all(&self) -> Vec<Json> {
        let of_nobody = self.of_nobody();
        let good = of_nobody.text();
        let (mut stubs, content_type) = self.heads(&good);
        let mut other_method = self.request(&good, Some(JSON));
        *other_method.method_mut() = Method::GET;
        stubs.push(self.stub(50, &other_method, json!({ "method": "ANY" })));

        // Bodies: first none, then whole ones, then those with a fault, field by field, then what is not an object.
        let mut empty = json!({ "bodyPatterns": [{ "absent": true }] });
        let mut request = self.request("", Some(JSON));
        stubs.push(self.stub(2, &request, empty.clone()));
        let name = &self.fields[&Field::Username][0];
        let with_query = format!("{}?{name}=value", self.paths[0]);
        *request.uri_mut() = with_query.parse().expect("a path and a query");
        empty["queryParameters"] = json!({ name: { "matches": ".*" } });
        stubs.push(self.stub(1, &request, empty));
        let head = json!({ "Content-Type": content_type });
        let mut add = |priority: usize, body: &str, schema: Option<Json>| {
            let schema =
                schema.map(|it| json!({ "matchesJsonSchema": it, "schemaVersion": "V202012" }));
            let patterns: Vec<Json> = schema.into_iter().collect();
            let pattern = json!({ "headers": head, "bodyPatterns": patterns });
            stubs.push(self.stub(priority, &self.request(body, Some(JSON)), pattern));
        };
        let text = json!({ "type": "string", "minLength": 1 });
        let complete = self.fields.values().map(|names| has(names, &text));
        let complete = all_of(complete.collect());
        for ((weight, _), bodies) in self.by_outcome(&of_nobody) {
            let any = bodies
                .iter()
                .map(|body| json!({ "allOf": body.conditions }));
            let schema = json!({ "allOf": [complete], "anyOf": any.collect::<Vec<_>>() });
            add(3 + HEAVIEST - weight, &bodies[0].text(), Some(schema));
        }
        let other = json!({ "type": ["number", "boolean", "array", "object"] });
        for (index, (field, names)) in self.fields.iter().enumerate() {
            let mut missing = of_nobody.clone();
            missing.json.remove(&names[0]);
            let absent = json!({ "not": has(names, &json!({})) });
            missing.conditions.push(absent);
            let faults = [
                of_nobody.with(self, *field, Json::Null, &json!({ "type": "null" })),
                of_nobody.with(self, *field, "".into(), &json!({ "const": "" })),
                of_nobody.with(self, *field, 1.into(), &other),
                missing,
            ];
            for fault in faults {
                add(20 + index, &fault.text(), Some(all_of(fault.conditions)));
            }
        }
        add(30, "[]", Some(json!({ "not": { "type": "object" } })));
        add(31, "{", None);
        stubs
    }

    /// Returns the stubs of content types that are answered in their own way, and the pattern of those that make no difference.
    fn heads(&self, body: &str) -> (Vec<Json>, Json) {
        let key = |content_type| {
            let request = self.request(body, content_type);
            evaluate(&self.source.appliance, &request).0.key
        };
        let mut accepted: Vec<String> = self.accepts.iter().map(|name| of_type(name)).collect();
        let mut stubs = Vec::new();
        let mut add = |priority, content_type, pattern: &Json| {
            let pattern = json!({ "headers": { "Content-Type": pattern } });
            stubs.push(self.stub(priority, &self.request(body, content_type), pattern));
        };
        let others = [(FORM, of_type(FORM)), ("text/plain", ".*".to_owned())];
        for (priority, (name, pattern)) in (40..).zip(others) {
            match key(Some(name)) == key(Some(JSON)) {
                true => accepted.push(pattern),
                false => add(priority, Some(name), &json!({ "matches": pattern })),
            }
        }
        let mut head = json!({ "matches": accepted.join("|") });
        let absent = json!({ "absent": true });
        match key(None) == key(Some(JSON)) {
            true => head = json!({ "or": [head, absent] }),
            false => add(42, None, &absent),
        }
        (stubs, head)
    }

    /// Returns bodies that sign in or do not, about users or about nobody, with a new password of each kind; those of one weight
    /// and outcome together. Users of one role and state are treated alike.
    fn by_outcome(&self, of_nobody: &Body<'a>) -> BTreeMap<(usize, Outcome), Vec<Body<'a>>> {
        let name: UserField = (Field::Username, |user| &user.username);
        let (account, password) = match self.operation {
            Operation::SetPasswordByAdmin => (Field::AdminUsername, Field::AdminPassword),
            Operation::SetPassword | Operation::Validation => (Field::Username, Field::Password),
        };
        let sign_in: [UserField; 2] =
            [(account, name.1), (password, |user| user.password.expose())];
        let mut classes: BTreeMap<_, Vec<&User>> = BTreeMap::new();
        for user in self.source.appliance.state.directory.users() {
            let class = classes.entry((user.role, user.state)).or_default();
            class.push(user);
        }
        let mut bodies = vec![of_nobody.clone()];
        let signed_in = classes.values();
        bodies.extend(signed_in.map(|users| of_nobody.with_users(self, users, &sign_in, 8)));
        if account != Field::Username {
            for body in bodies.clone() {
                for users in classes.values() {
                    // Not the one who signs in: whoever asks for a change of the own password is treated below.
                    let mut users = users.clone();
                    if body.signs_in.first() == users.first() {
                        users.rotate_left(1);
                    }
                    if body.signs_in.first() != users.first() {
                        bodies.push(body.with_users(self, &users, &[name], 2));
                    }
                }
                if !body.signs_in.is_empty() {
                    let fields = [sign_in[0], sign_in[1], name];
                    bodies.push(of_nobody.with_users(self, &body.signs_in, &fields, 12));
                }
            }
        }
        if self.operation.is_change() {
            let weak = weak_password(&self.source.appliance.state.policy);
            let same = [name, (Field::NewPassword, sign_in[1].1)];
            for body in bodies.clone() {
                let mut refused = body.with(self, Field::NewPassword, "a".into(), &weak);
                refused.weight += 1;
                bodies.push(refused);
                if !body.about.is_empty() {
                    bodies.push(body.with_users(self, &body.about, &same, 1));
                }
            }
        }
        let mut grouped: BTreeMap<(usize, Outcome), Vec<Body<'_>>> = BTreeMap::new();
        for body in bodies {
            let request = self.request(&body.text(), Some(JSON));
            let outcome = evaluate(&self.source.appliance, &request).0.key.outcome;
            let group = grouped.entry((body.weight, outcome)).or_default();
            group.push(body);
        }
        grouped
    }

    /// Returns a body about nobody, with a good new password.
    fn of_nobody(&self) -> Body<'a> {
        let password = new_password(&self.source.appliance.state.policy);
        let value = |field| match field {
            Field::Username => USERNAME,
            _ => &password,
        };
        let fields = self.fields.iter();
        Body {
            json: fields
                .map(|(field, names)| (names[0].clone(), value(*field).into()))
                .collect(),
            conditions: Vec::new(),
            weight: 0,
            signs_in: Vec::new(),
            about: Vec::new(),
        }
    }

    fn request(&self, body: &str, content_type: Option<&'static str>) -> Request<Bytes> {
        let mut request = Request::new(Bytes::from(body.to_owned()));
        let known = "the contract has methods and paths";
        *request.method_mut() = self.method.parse().expect(known);
        *request.uri_mut() = self.paths[0].parse::<Uri>().expect(known);
        let content_type = content_type.map(HeaderValue::from_static);
        request
            .headers_mut()
            .extend(content_type.map(|value| (header::CONTENT_TYPE, value)));
        request
    }

    /// Returns the stub that answers requests of a pattern as the appliance answers this one.
    fn stub(&self, priority: usize, request: &Request<Bytes>, mut pattern: Json) -> Json {
        let paths: Vec<String> = self.paths.iter().map(|path| escaped(path)).collect();
        pattern["urlPathPattern"] = paths.join("|").into();
        if pattern["method"].is_null() {
            pattern["method"] = self.method.into();
        }
        stub(self.source, priority, request, pattern)
    }
}

impl<'a> Body<'a> {
    fn text(&self) -> String {
        Json::from(self.json.clone()).to_string()
    }

    /// Returns this body with a value in a field, which stands for every value of a form.
    fn with(&self, stubs: &OperationStubs<'_>, field: Field, value: Json, form: &Json) -> Body<'a> {
        let (mut body, names) = (self.clone(), stubs.fields[&field]);
        body.json.insert(names[0].clone(), value);
        body.conditions.push(has(names, form));
        body
    }

    /// Returns this body with the first user in these fields, which stands for each of the users.
    fn with_users(
        &self,
        stubs: &OperationStubs<'_>,
        users: &[&'a User],
        fields: &[UserField],
        weight: usize,
    ) -> Body<'a> {
        let mut body = self.clone();
        body.weight += weight;
        for (field, value) in fields {
            let name = stubs.fields[field][0].clone();
            body.json.insert(name, value(users[0]).into());
            match field {
                Field::Username => body.about = users.to_vec(),
                Field::Password | Field::AdminPassword => body.signs_in = users.to_vec(),
                _ => {}
            }
        }
        let one = |user: &&User| {
            let fields = fields.iter();
            let has = fields
                .map(|(field, value)| has(stubs.fields[field], &json!({ "const": value(user) })));
            json!({ "allOf": has.collect::<Vec<_>>() })
        };
        let any: Vec<Json> = users.iter().map(one).collect();
        body.conditions.push(json!({ "anyOf": any }));
        body
    }
}

fn stub(source: &Source, priority: usize, request: &Request<Bytes>, pattern: Json) -> Json {
    let (evaluation, answer) = evaluate(&source.appliance, request);
    let headers = answer.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), text(value.as_bytes()).into()));
    let mut response = json!({
        "status": answer.status().as_u16(),
        "headers": headers.collect::<Map<_, _>>(),
    });
    let (body, quoted) = (text(answer.body()), Json::from(USERNAME).to_string());
    let username = "{{jsonPath request.body '$.username'}}";
    let repeated = body.replace(quoted.trim_matches('"'), username);
    if repeated != body {
        response["transformers"] = json!(["response-template"]);
    }
    response["body"] = repeated.into();
    let metadata = json!({ "outcome": evaluation.key.outcome.name() });
    json!({ "priority": priority, "metadata": metadata, "request": pattern, "response": response })
}

/// Returns the schema of an object with a field, under any of its names, of this form.
fn has(names: &[String], form: &Json) -> Json {
    let one = |name: &String| json!({ "required": [name], "properties": { name: form } });
    json!({ "anyOf": names.iter().map(one).collect::<Vec<_>>() })
}

/// Returns the schema of an object that meets all of these.
fn all_of(schemas: Vec<Json>) -> Json {
    json!({ "type": "object", "allOf": schemas })
}

/// Returns the pattern of a content type, with or without parameters, in any letter case.
fn of_type(name: &str) -> String {
    format!("(?i)\\s*{}\\s*(;.*)?", escaped(name))
}

/// Returns the schema of the passwords that a policy refuses.
fn weak_password(policy: &Policy) -> Json {
    let other = match policy.symbols.as_deref() {
        Some("") => "^\\s\\S".to_owned(),
        Some(symbols) => symbols
            .chars()
            .map(|letter| format!("\\x{{{:x}}}", u32::from(letter)))
            .collect(),
        None => "^\\p{L}\\p{N}".to_owned(),
    };
    let classes = ["\\p{Ll}", "\\p{Lu}", "\\p{N}", &other]
        .map(|class| json!({ "pattern": format!("[{class}]") }));
    // As many classes as are asked for, in every combination.
    let combinations = (0_usize..16).filter(|set| set.count_ones() as usize == policy.classes);
    let all_of = |set: usize| {
        let members = (0..4)
            .filter(|index| set & (1 << index) != 0)
            .map(|index| &classes[index]);
        json!({ "allOf": members.collect::<Vec<_>>() })
    };
    let mut good = json!({ "minLength": policy.min_length });
    if let Some(max) = policy.max_length {
        good["maxLength"] = max.into();
    }
    if policy.classes > 0 {
        good["anyOf"] = combinations.map(all_of).collect();
    }
    json!({ "not": good })
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
/// The weight of the bodies of which most is asked.
const HEAVIEST: usize = 13;
