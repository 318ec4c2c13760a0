//! What templates must give, by Jinja2's and dbt's semantics; expected values come from Jinja2 3.1 under dbt 1.11.

use super::fault::FaultKind;
use super::*;
use chrono::{DateTime, TimeZone, Utc};
use minijinja::value::{Object, Value};
use minijinja::{Error, State};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A host with a few names, macros of the package `p` by their bare name, and a function that calls its `caller`.
#[derive(Debug, Default)]
struct Host {
    names: BTreeMap<String, Value>,
    macros: BTreeMap<String, Value>,
    entered: Mutex<Vec<String>>,
    is_interrupted: bool,
}

#[derive(Debug)]
struct Statement;

impl Object for Statement {
    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let caller = args.last().unwrap().get_attr("caller")?;
        Ok(Value::from(format!("<{}>", caller.call(state, &[])?)))
    }
}

impl Globals for Host {
    fn lookup(&self, name: &str) -> Option<Value> {
        self.names.get(name).or_else(|| self.macros.get(name)).cloned()
    }

    fn now(&self) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2024, 2, 29, 12, 30, 5).unwrap()
    }

    fn entered(&self, package: &str, name: &str, _: bool) {
        self.entered.lock().unwrap().push(format!("{package}.{name}"));
    }

    fn is_interrupted(&self) -> bool {
        self.is_interrupted
    }
}

fn library_with(options: Options, file: &str) -> Arc<Library> {
    let mut library = Library::new(options);
    let text: Arc<str> = Arc::from(file);
    for block in split(file).unwrap().blocks {
        library.add_macro("p", "macros/m.sql", &text, &block).unwrap_or_else(|fault| panic!("{fault}"));
    }
    Arc::new(library)
}

fn host(library: &Library) -> Host {
    let mut host = Host::default();
    for found in library.macros() {
        host.macros.insert(found.name.clone(), library.macro_value(&found.package, &found.name).unwrap());
    }
    host.names.insert("p".into(), Value::from_pairs(host.macros.clone()));
    host.names.insert("name".into(), Value::from("world"));
    host.names.insert("none_value".into(), Value::from(()));
    host.names.insert("plain".into(), Value::from(vec![3, 1, 2]));
    host.names.insert("statement".into(), Value::from_object(Statement));
    host
}

fn attempt(file: &str, text: &str) -> Result<String, Fault> {
    let library = library_with(Options::default(), file);
    let globals: Arc<dyn Globals> = Arc::new(host(&library));
    library.render_text("models/m.sql", text, &globals)
}

#[track_caller]
fn same(text: &str, expected: &str) {
    match attempt("", text) {
        Ok(found) => assert_eq!(found, expected, "{text}"),
        Err(fault) => panic!("{text}: {fault}"),
    }
}

#[track_caller]
fn same_with(file: &str, text: &str, expected: &str) {
    match attempt(file, text) {
        Ok(found) => assert_eq!(found, expected, "{text}"),
        Err(fault) => panic!("{text}: {fault}"),
    }
}

#[test]
fn lists_change_and_print_as_pythons() {
    same("{% set x = [1] %}{% do x.append('a') %}{{ x }}", "[1, 'a']");
    same("{% set x = [3, 1] %}{% do x.extend((2,)) %}{% do x.sort() %}{{ x }}{{ x.pop() }}{{ x }}", "[1, 2, 3]3[1, 2]");
    same("{% set x = [1, 2] %}{{ x.insert(1, 9) or '' }}{{ x.index(9) }}{{ x[-1] }}{{ x[::-1] }}", "12[2, 9, 1]");
    same("{% set x = plain | list %}{% do x.append(4) %}{{ x }}", "[3, 1, 2, 4]");
    same("{% set x = 'a,b'.split(',') %}{% do x.append('c') %}{{ x }}", "['a', 'b', 'c']");
    same(
        "{% set x = [1] + [2] %}{% do x.append(3) %}{{ x }} {{ [1] == [1] }} {{ [0] * 3 }}",
        "[1, 2, 3] True [0, 0, 0]",
    );
    same("{% set x = [] %}{% for i in range(3) %}{% do x.append(i) %}{% endfor %}{{ x | length }}", "3");
    same("{{ [1, [2, (3,)], {'a': none}] }}", "[1, [2, (3,)], {'a': None}]");
    same("{{ 2 in [1, 2] }}{{ [1, 2] | join('-') }}{{ [] is sequence }}{{ [1] is iterable }}", "True1-2TrueTrue");
}

#[test]
fn dictionaries_change_keep_order_and_take_any_key() {
    same("{% set d = {'b': 1} %}{% do d.update({'a': 2}) %}{{ d }}{{ d.b }}", "{'b': 1, 'a': 2}1");
    same("{% set d = {1: 'x', (1, 2): 'y'} %}{{ d[1] }}{{ d[(1, 2)] }}{{ d.get(9, 'z') }}", "xyz");
    same("{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}{{ v }}{{ ',' if not loop.last }}{% endfor %}", "a1,b2");
    same(
        "{% set d = {} %}{{ d.setdefault('k', []).append(1) or '' }}{{ d }}{{ d.pop('k') }}{{ d }}",
        "{'k': [1]}[1]{}",
    );
    same("{% set d = dict(a=1) %}{% set k = d.keys() | list %}{% do k.append('z') %}{{ k }}", "['a', 'z']");
    same(
        "{{ {'a': 1} is mapping }}{{ 'a' in {'a': 1} }}{{ {'b': 2, 'a': 1} | dictsort }}",
        "TrueTrue[('a', 1), ('b', 2)]",
    );
    same("{{ {'items': 1}.items() | list }}{{ {'x': {'y': 5}}.x.y }}", "[('items', 1)]5");
    same("{{ set([1, 2, 1]) | length }}{{ 2 in set([2]) }}{{ set([1]).union([2]) }}", "2True{1, 2}");
}

#[test]
fn operators_are_pythons() {
    same("{{ '%s-%d' % ('a', 5) }}{{ '%05.1f|%s' % (2.25, none) }}{{ '%(x)s' % {'x': 1} }}", "a-5002.2|None1");
    same(
        "{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 2 ** 3 }} {{ 7 / 2 }} {{ 4 / 2 }}",
        "3 -4 1 2 8 3.5 2.0",
    );
    same("{{ 1 ~ none ~ true ~ 1.0 ~ [1] }}{{ 'a' * 3 }}{{ 'a' 'b' }}", "1NoneTrue1.0[1]aaaab");
    same("{{ 1 + 2 * 3 - 4 }}{{ -2 * 3 }}{{ +5 }}{{ (1 + 2) * 3 }}", "3-659");
    same("{{ not none_value is none }}{{ 1 < 2 < 3 }}{{ 'x' if false }}|{{ 1 if 0 else 2 }}", "FalseTrue|2");
    same("{{ 'abc'[1:] }}{{ 'abc'[-1] }}{{ [1, 2, 3][:2][0] }}{{ (1, 2, 3)[1:] }}", "bcc1(2, 3)");
    same("{{ none }} {{ true }} {{ undefined_name }}{{ undefined_name.x.y }}|{{ 1e20 }}", "None True |1e+20");
    same("{{ 1, 2 }}{% set a, b = 1, [2] %}{{ a }}{{ b }}", "(1, 2)1[2]");
    same("{% for x in 1, 2 %}{{ x }}{% endfor %}{% do 5 if false %}", "12");
}

#[test]
fn statements_are_jinjas() {
    same("{%- set x -%} a {%- endset -%}{{ x }}", "a");
    same("{% set ns = namespace(n=0) %}{% for i in [1, 2] %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}", "3");
    same(
        "{% for i in [1, 2, 3] if i != 2 %}{{ loop.index }}{{ i }}{{ loop.cycle('a', 'b') }}{% else %}-{% endfor %}",
        "11a23b",
    );
    same("{% for i in [1, 1, 2] %}{{ loop.changed(i) }}{{ loop.previtem }}{% endfor %}", "TrueFalse1True1");
    same("{% for n in [{'k': [{'k': []}]}] recursive %}x{{ loop(n.k) }}{% endfor %}", "xx");
    same("{% filter upper %}a{{ 1 + 1 }}{% endfilter %}", "A2");
    same("{% raw %}{{ [1] }}{% endraw %}{# {{ #}", "{{ [1] }}");
    same("a\n{{ 1 }}\n", "a\n1");
    same("{% macro m(a, b=[1]) %}{{ a }}{{ b }}{{ caller() if caller }}{% endmacro %}{{ m(0) }}", "0[1]");
    same("{{ dict(**{'a': 1}) }}{{ range(*[1, 4]) | list }}", "{'a': 1}[1, 2, 3]");
    same("{% with a = [1], b = 2 %}{{ a + [b] }}{% endwith %}", "[1, 2]");
    same("{% for x in [1, 2, 3] %}{% if x == 2 %}{% continue %}{% endif %}{{ x }}{% endfor %}", "13");
}

#[test]
fn filters_answer_as_jinjas() {
    same(
        "{{ ['b', 'A'] | sort }}{{ [1, 2] | map('string') | list }}{{ 'x' | default('y') }}{{ '' | default('y', true) }}",
        "['A', 'b']['1', '2']xy",
    );
    same("{{ [{'n': 2}, {'n': 1}] | sort(attribute='n') | map(attribute='n') | join(',') }}", "1,2");
    same(
        "{{ [{'n': 2}, {'n': 1}] | selectattr('n', '>', 1) | list }}{{ [{'n': 2}] | sum(attribute='n') }}",
        "[{'n': 2}]2",
    );
    same(
        "{{ [1, 2, 3] | batch(2) | list }}{{ [1, 1, 2] | unique | list }}{{ [1, 3, 2] | max }}",
        "[[1, 2], [3]][1, 2]3",
    );
    same("{{ '12' | int }}{{ 'x' | int(7) }}{{ '1.5' | float }}{{ true | int }}", "1271.51");
    same(
        "{{ 'a\nb' | indent(2) }}{{ 'hello world' | truncate(8, true, '...', 0) }}{{ 'ab' | center(4) }}|",
        "a\n  bhello... ab |",
    );
    same(
        "{{ {'a': [1, none]} | tojson }}{{ tojson({'b': 1, 'a': true}) }}",
        "{\"a\": [1, null]}{\"b\": 1, \"a\": true}",
    );
    same("{% set x = fromjson('[1, {\"a\": 2}]') %}{% do x.append(3) %}{{ x }}", "[1, {'a': 2}, 3]");
    same("{{ nope | length }}{{ [1, 2] | length }}{{ 'é' | count }}{{ {'a': 1} | length }}", "0211");
    same("{{ fromyaml('a: [1, x]') }}{{ toyaml({'a': [1]}) }}", "{'a': [1, 'x']}a:\n- 1\n");
    same("{{ local_md5('a') }}{{ zip([1, 2], 'ab') | list }}", "0cc175b9c0f1b6a831c399e269772661[(1, 'a'), (2, 'b')]");
    same("{{ '%s %s' | format('a', 1) }}{{ 'a b' | title }}{{ [true, none] | join(' ') }}", "a 1A BTrue None");
}

#[test]
fn strings_have_pythons_methods() {
    same(
        "{{ 'a b  c'.split() }}{{ 'a,b,c'.split(',', 1) }}{{ 'a b c'.rsplit(' ', 1) }}",
        "['a', 'b', 'c']['a', 'b,c']['a b', 'c']",
    );
    same(
        "{{ ' x '.strip() }}{{ 'xax'.strip('x') }}{{ 'a.b'.replace('.', '_') }}{{ 'abc'.startswith(('x', 'a')) }}",
        "xaa_bTrue",
    );
    same("{{ '{0} {x} {0.k}'.format({'k': 1}, x=2) }}", "{'k': 1} 2 1");
    same(
        "{{ 'ab'.upper() }}{{ \"they're\".title() }}{{ 'x'.zfill(3) }}{{ 'a-b'.partition('-') }}",
        "ABThey'Re00x('a', '-', 'b')",
    );
    same("{{ 'abab'.find('b', 2) }}{{ 'ab'.isalpha() }}{{ '12'.isdigit() }}{{ 'x'.join(['a', 'b']) }}", "3TrueTrueaxb");
    same(
        "{{ 'tmp_x'.removeprefix('tmp_') }}{{ 'aBc'.swapcase() }}{{ 'a'.encode('utf-8') }}{{ 'a\nb'.splitlines() }}",
        "xAbCa['a', 'b']",
    );
}

#[test]
fn modules_are_pythons() {
    same("{{ modules.datetime.datetime.now().strftime('%Y-%m-%d %H:%M:%S.%f') }}", "2024-02-29 12:30:05.000000");
    same("{% set d = modules.datetime.date(2024, 2, 28) %}{{ d + modules.datetime.timedelta(days=2) }}", "2024-03-01");
    same(
        "{% set t = modules.datetime.datetime.strptime('2024-01-31', '%Y-%m-%d') %}{{ t }} {{ t.isoformat() }} {{ t.month }}",
        "2024-01-31 00:00:00 2024-01-31T00:00:00 1",
    );
    same(
        "{% set d = modules.datetime.date %}{{ (d(2024, 3, 1) - d(2024, 2, 1)).days }}{{ d(2024, 1, 1) < d(2024, 1, 2) }}",
        "29True",
    );
    same("{{ modules.datetime.timedelta(hours=25, seconds=1.5) }}", "1 day, 1:00:01.500000");
    same(
        "{{ modules.pytz.timezone('Europe/Rome').localize(modules.datetime.datetime(2024, 7, 1)).isoformat() }}",
        "2024-07-01T00:00:00+02:00",
    );
    same("{{ modules.datetime.datetime.now(modules.pytz.utc) }}", "2024-02-29 12:30:05+00:00");
    same(
        "{% set m = modules.re.match('(\\\\w)(?P<n>\\\\d+)?', 'a12b') %}{{ m.group(1) }}{{ m.groups() }}{{ m.group('n') }}{{ m.end() }}",
        "a('a', '12')123",
    );
    same(
        "{{ modules.re.sub('(a)(b)', '\\\\2\\\\1', 'abab') }}{{ modules.re.findall('a.', 'abac') }}",
        "baba['ab', 'ac']",
    );
    same(
        "{{ modules.re.search('B', 'abc', flags=modules.re.IGNORECASE).start() }}{{ modules.re.match('x', 'ax') }}",
        "1None",
    );
    same(
        "{{ modules.itertools.product([1, 2], 'a') | list }}{{ modules.itertools.combinations([1, 2, 3], 2) | length }}",
        "[(1, 'a'), (2, 'a')]3",
    );
    same(
        "{{ modules.re.match('a(?=b)', 'ab').group() }}{{ modules.re.findall('(?<!x){{', 'x{{ y{{') | length }}",
        "a1",
    );
    same(
        "{{ modules.re.sub('(?ix) ( b # note\n )', '[\\\\1]', 'aBc') }}{{ modules.re.match('a{,2}', 'aaa').end() }}",
        "a[B]c2",
    );
    let endless = "{{ modules.re.match('(x+x+)+(?!z)y', 'x' * 40) }}";
    assert!(attempt("", endless).unwrap_err().message.contains("cannot be matched"));
}

#[test]
fn macros_bind_arguments_as_jinjas() {
    let file = "{% macro f(a, b=a ~ '!', c=[1]) %}{{ a }}{{ b }}{{ c }}{% endmacro %}\
        {% macro v(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}\
        {% macro own(x) %}{{ outer }}{{ x }}{{ name }}{% endmacro %}";
    same_with(file, "{{ f(1) }}{{ f('x', c=2) }}{{ p.f(1, b=none) }}", "11![1]xx!21None[1]");
    same_with(file, "{{ v(1, 2, k=3) }}{{ v() }}", "1(2,){'k': 3}(){}");
    same_with(file, "{% set outer = 'seen' %}{{ own(1) }}", "1world");
    for (text, message) in [
        ("{{ f(1, 2, 3, 4) }}", "macro 'f' takes not more than 3 argument(s)"),
        ("{{ f(z=1) }}", "macro 'f' takes no keyword argument 'z'"),
        ("{{ f(1, a=1) }}", "macro 'f' got two values for the argument 'a'"),
    ] {
        assert_eq!(attempt(file, text).unwrap_err().message, message);
    }
}

#[test]
fn return_ends_the_macro_with_its_value() {
    let file = "{% macro inner() %}{% for i in [1, 2] %}{{ return([i]) }}{% endfor %}{% endmacro %}\
        {% macro outer() %}{% set x = inner() %}{% do x.append(9) %}{{ return(x) }}junk{% endmacro %}\
        {% macro text() %} t {% endmacro %}{% macro fact(n) %}{{ return(1 if n < 2 else n * fact(n - 1)) }}{% endmacro %}\
        {% macro through() %}{% call wrap() %}{{ return(1) }}{% endcall %}{% endmacro %}\
        {% macro wrap() %}{{ caller() }}never{% endmacro %}{% macro nothing() %}{% do return(none) %}{% endmacro %}";
    same_with(
        file,
        "{{ outer() }}{{ outer()[1] }}{{ text() }}{{ fact(10) }}{{ nothing() is none }}",
        "[1, 9]9 t 3628800True",
    );
    // As in dbt, the return inside of the call block ends the macro that called `caller()`.
    same_with(file, "{{ through() }}", "1");
    assert!(attempt("", "{{ return(1) }}").unwrap_err().message.contains("outside of a macro"));
}

#[test]
fn call_blocks_work_with_macros_and_functions_of_the_host() {
    let file = "{% macro w(x) %}[{{ caller(x) }}{{ caller(x + 1) }}]{% endmacro %}\
        {% macro q() %}{{ caller() }}{% endmacro %}\
        {% macro nested(y) %}{% call q() %}<{% call q() %}{{ y }}{{ name }}{% endcall %}>{% endcall %}{% endmacro %}";
    same_with(file, "{% set k = 'k' %}{% call(a, b=[0]) w(1) %}{{ k }}{{ a }}{{ b }}{% endcall %}", "[k1[0]k2[0]]");
    same_with(
        file,
        "{% for i in [1, 2] %}{% call p.q() -%} {{ loop.index }}{{ i }} {%- endcall %}{% endfor %}",
        "1122",
    );
    same_with(file, "{% call statement('x') %}\nselect 1\n{% endcall %}", "<\nselect 1\n>");
    same_with(file, "{{ nested('y') }}", "<yworld>");
}

#[test]
fn native_rendering_gives_values() {
    let library = library_with(Options::default(), "");
    let globals: Arc<dyn Globals> = Arc::new(host(&library));
    let value = |text: &str| library.evaluate("x.yml", text, &globals);
    assert_eq!(value("{{ plain }}").unwrap(), Value::from(vec![3, 1, 2]));
    assert_eq!(value("{{ 1 + 1 }}").unwrap(), Value::from(2));
    assert_eq!(value("{{ '1' }}").unwrap(), Value::from("1"));
    assert_eq!(value("{{ '1' | as_number }}").unwrap(), Value::from(1));
    assert_eq!(value("{{ 'True' | as_bool }}").unwrap(), Value::from(true));
    assert_eq!(value("{{ '[1, 2]' | as_native }}").unwrap(), Value::from(vec![1, 2]));
    assert_eq!(value("a{{ 1 }}").unwrap(), Value::from("a1"));
    assert!(value("{{ 'x' | as_bool }}").unwrap_err().message.contains("into type 'bool'"));
}

#[test]
fn a_fault_names_file_line_column_and_the_macros_around_it() {
    let file =
        "\n{% macro a() %}{{ b([1]) }}{% endmacro %}\n{% macro b(x) %}\n  {{ [1] + missing(x) }}\n{% endmacro %}";
    let fault = attempt(file, "select\n{{ a() }}").unwrap_err();
    assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Undefined, "'missing' is undefined"));
    assert_eq!((&*fault.path, fault.line(), fault.column()), ("macros/m.sql", Some(4), Some(12)));
    let calls: Vec<_> = fault.calls.iter().map(|call| (call.name.as_str(), call.line)).collect();
    assert_eq!(calls, [("p.b", 3), ("p.a", 2)]);
    let told = fault.into_error("model \"m\"", ["missing_one"]).report();
    assert!(told.contains("in macro p.a (macros/m.sql:2) called by model \"m\""), "{told}");
    assert!(told.contains("did you mean \"missing_one\"?"), "{told}");
    let fault = attempt("", "x\n {{ [1, 2 }}").unwrap_err();
    assert_eq!((fault.kind, fault.line()), (FaultKind::Syntax, Some(2)));
    let fault = attempt("", "{{ [1]\n + 'a' }}").unwrap_err();
    assert_eq!(fault.message, "unsupported operand type(s) for +: 'list' and 'str'");
    assert_eq!(fault.line(), Some(2));
}

#[test]
fn strict_libraries_refuse_unknown_names() {
    let library = library_with(Options { undefined: Undefined::Strict, ..Options::default() }, "");
    let globals: Arc<dyn Globals> = Arc::new(host(&library));
    let fault = library.render_text("m.sql", "{{ nobody }}", &globals).unwrap_err();
    assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Undefined, "'nobody' is undefined"));
}

#[test]
fn macros_are_called_from_outside_and_the_host_hears_of_it() {
    let library = library_with(Options::default(), "{% macro f(a, b=1) %}{{ return([a, b]) }}{% endmacro %}");
    let listening = Arc::new(host(&library));
    let globals: Arc<dyn Globals> = listening.clone();
    let value = library.call("p", "f", &[Value::from(5)], &[("b", Value::from(6))], &globals).unwrap();
    assert_eq!(value, Value::from(vec![5, 6]));
    assert_eq!(*listening.entered.lock().unwrap(), ["p.f"]);
    assert!(library.call("p", "g", &[], &[], &globals).is_err());
    let found = library.macros().next().unwrap();
    assert!(found.text().starts_with("{% macro f") && found.text().ends_with("endmacro %}"));
    let stopped: Arc<dyn Globals> = Arc::new(Host { is_interrupted: true, ..host(&library) });
    let fault = library.render_text("m.sql", "{{ f(1) }}", &stopped).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Interrupted);
}

#[test]
fn bombs_end_with_an_error_soon() {
    let file = "{% macro deep(n) %}{{ deep(n + 1) }}{% endmacro %}\
        {% macro wide(n) %}{% for i in range(100) %}{{ wide(n + 1) if n < 5 }}{% endfor %}{% endmacro %}\
        {% macro arg(n) %}{% call q() %}{{ arg(n + 1) }}{% endcall %}{% endmacro %}{% macro q() %}{{ caller() }}{% endmacro %}";
    for text in [
        "{{ deep(0) }}",
        "{{ arg(0) }}",
        "{{ wide(0) }}",
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
        "{{ range(1000000000) }}",
        "{% set ns = namespace(x='aa') %}{% for i in range(100) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(x='aa') %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x='aa') %}{% for i in range(100) %}{% set ns.x = '%s%s' % (ns.x, ns.x) %}{% endfor %}",
        "{% set ns = namespace(x='aa') %}{% for i in range(100) %}{% set ns.x = '{0}{0}'.format(ns.x) %}{% endfor %}",
        "{% set ns = namespace(x='aa') %}{% for i in range(100) %}{% set ns.x = ns.x.replace('a', 'aaaa') %}{% endfor %}",
        "{% set ns = namespace(x='aa') %}{% for i in range(99) %}{% set ns.x %}{{ ns.x }}{{ ns.x }}{% endset %}{% endfor %}",
        "{{ '{:1000000000d}'.format(1) }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '%*d' % (1000000000, 1) }}",
        "{{ 'a\nb' | indent(10 ** 9) }}",
        "{{ 'a'.ljust(1000000000) }}",
        "{{ 'a' | center(1000000000) }}",
        "{{ 'a' * 10 ** 9 }}",
        "{{ [0] * 10 ** 9 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{% for i in range(100000) %}{{ 'a' * 100 }}{% endfor %}",
        "{% set x = [] %}{% for i in range(100000) %}{% do x.extend(x or [1]) %}{% endfor %}",
        "{{ modules.itertools.product(range(1000), repeat=5) }}",
        "{{ modules.itertools.permutations(range(50)) }}",
    ] {
        let started = Instant::now();
        let fault = attempt(file, text).unwrap_err();
        assert!(matches!(fault.kind, FaultKind::Limit | FaultKind::Failed), "{text}: {fault}");
        let most = Duration::from_secs(if cfg!(debug_assertions) { 20 } else { 2 });
        assert!(started.elapsed() < most, "{text} took {:?}", started.elapsed());
    }
    let huge = "x".repeat(300 << 10);
    assert_eq!(attempt("", &huge).unwrap_err().kind, FaultKind::Limit);
}

#[test]
fn long_chains_of_values_are_dropped_without_recursion() {
    let text = "{% set ns = namespace(x=[]) %}{% for i in range(50000) %}{% set ns.x = [ns.x] %}{% endfor %}ok";
    same(text, "ok");
    let text = "{% set ns = namespace(x={}) %}{% for i in range(50000) %}{% set ns.x = {'a': ns.x} %}{% endfor %}ok";
    same(text, "ok");
}

#[test]
fn macro_files_of_the_usual_shapes_compile() {
    let file = "{%- macro star(from, except=[], quote_identifiers=True) -%}\n    {{ return(adapter.dispatch('star', 'p')(from, except)) }}\n{% endmacro %}\n\n\
        {% macro default__star(from, except=[]) -%}\n    {%- do p._is_relation(from, 'star') -%}\n    {%- if not execute -%}{% do return('*') %}{%- endif -%}\n\
        {%- set cols = p.cols(from=from, except=except) -%}\n    {%- for col in cols %}\n {%- if rename is not none and col|lower in [x for_y] -%}{%- endif -%}{% endfor %}{%- endmacro %}";
    let text: Arc<str> = Arc::from(file.replace("[x for_y]", "['a']"));
    let mut library = Library::new(Options::default());
    for block in split(&text).unwrap().blocks {
        library.add_macro("p", "m.sql", &text, &block).unwrap();
    }
    assert_eq!(library.macros().count(), 2);
}

#[test]
fn two_thousand_models_render_in_time() {
    let library = library_with(Options::default(), "{% macro cols() %}{{ return(['a', 'b']) }}{% endmacro %}");
    let globals: Arc<dyn Globals> = Arc::new(host(&library));
    let model =
        "{{ local_md5('config') }}\nselect {{ cols() | join(', ') }}, {{ [1, 2] }}\nfrom {{ name }}\n".repeat(2);
    let started = Instant::now();
    for index in 0..2000 {
        library.render_text(&format!("models/m{index}.sql"), &model, &globals).unwrap();
    }
    // Optimised, a tenth of this; the bound only catches what grows with the number of macros or models.
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
}
