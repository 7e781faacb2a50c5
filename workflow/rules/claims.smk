rule claims:
    input:
        unpack(
            lambda w: data_inputs(results.claim_sources(project, w.paper, w.reading))
        ),
        rounding=lambda w: rounding_of(
            w, results.claim_sources(project, w.paper, w.reading)
        ),
    output:
        CLAIMS,
    log:
        f"logs/{CLAIMS}.log",
    conda:
        "../envs/irsrepro.yaml"
    params:
        library=library("check_claims.py"),
        claims=lambda w: claims_under(paper(w), w.reading),
        experiments=lambda w: {
            name: {"schemes": plan["schemes"], "metric": plan["metric"]}
            for name, plan in paper(w).experiments.items()
        },
        parameters=lambda w: paper(w).reading(w.reading),
        origins=lambda w: {
            name: entry["origin"] for name, entry in paper(w).parameters.items()
        },
        identity=lambda w: identity(w, "paper", "reading", "engine"),
    script:
        "../scripts/check_claims.py"


rule scorecard:
    input:
        claims=claims_of(DEFAULT),
        pictures=list(pictures_of_claims().values()),
    output:
        report(
            "scorecard/scorecard.html",
            caption="../report/scorecard.rst",
            category="Overview",
            labels={"figure": "", "about": "Scorecard"},
        ),
        "scorecard/scorecard.csv",
    log:
        "logs/scorecard/scorecard.log",
    conda:
        "../envs/irsrepro.yaml"
    params:
        library=library("write_scorecard.py"),
        seed=project.seed,
        readings={key: {} for key in project.papers},
        pictures=list(pictures_of_claims()),
        fidelity=project.fidelity,
        engine=project.engine,
    script:
        "../scripts/write_scorecard.py"


use rule scorecard as scorecard_under_alternatives with:
    input:
        claims=[
            results.claims_file(project, key, reading)
            for key in project.papers
            for reading in [DEFAULT, *alternatives_of(key)]
        ],
        pictures=list(pictures_of_claims().values()),
    output:
        report(
            "scorecard/alternatives.html",
            caption="../report/scorecard.rst",
            category="Overview",
            labels={"figure": "", "about": "Scorecard under alternative readings"},
        ),
        "scorecard/alternatives.csv",
    log:
        "logs/scorecard/alternatives.log",
    params:
        library=library("write_scorecard.py"),
        seed=project.seed,
        readings={key: alternatives_of(key) for key in project.papers},
        pictures=list(pictures_of_claims()),
        fidelity=project.fidelity,
        engine=project.engine,


rule scorecard_all:
    input:
        files=["scorecard/scorecard.html", "scorecard/alternatives.html"],
        claims=claims_of(DEFAULT),
    output:
        "scorecard/all",
    log:
        "logs/scorecard/all.log",
    conda:
        "../envs/irsrepro.yaml"
    params:
        library=library("list_files.py"),
        seed=project.seed,
    script:
        "../scripts/list_files.py"
