"""A tiny package with hand-computed numbers, built without the package writer and without the verifier.

One site (PUE 1.2, node overhead 1.25, IT overhead 1.1), one contract (supplier A0001, menu B), one measured run on
two devices (one slot, 1 April 2026 00:00-00:30 JST, 0.4 and 0.2 kWh), one declared run (100 device-hours at 700 W
on two days of April), one bill (200 kWh for April), one green-power certificate (50 kWh). Every expected number
below is written as a literal that was worked out on paper; the comments show the sums.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

VERIFY = Path(__file__).parents[4] / "gxmeter" / "evidence" / "standalone" / "verify.py"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
Files = dict[str, bytes]
Mutation = Callable[[Files], None]

YEAR = ("2026-03-31T15:00:00Z", "2027-03-31T15:00:00Z")
APRIL = ("2026-03-31T15:00:00Z", "2026-04-30T15:00:00Z")
MAY = ("2026-04-30T15:00:00Z", "2026-05-31T15:00:00Z")

SOURCE = "List of factors,p. 3,https://example.org/list"
TABLES: dict[str, str] = {
    "boundary/sites": """
site_id,name_ja,name_en,country,supply_area,arrangement,operational_control,overhead_control,overhead_node,overhead_it,accounting_share,direct_sources
tokyo,東京,"Tokyo, main",JP,tokyo,owned,true,true,1.25,1.1,1,none
""",
    "boundary/pue": """
site_id,start,end,pue,source_class,source
tokyo,2026-03-31T15:00:00Z,2027-03-31T15:00:00Z,1.2,measured,meter of 2025
""",
    "boundary/contracts": """
contract_id,site_id,supplier,menu,start,end
c1,tokyo,A0001,B,2026-03-31T15:00:00Z,2027-03-31T15:00:00Z
""",
    "boundary/devices": """
device_id,site_id,host,kind,name,rated_w
gpu-0,tokyo,host-1,gpu,H100,1000
gpu-1,tokyo,host-1,gpu,H100,1000
""",
    "boundary/runs": """
run_id,title_ja,title_en,frame,stage,status,source,model,params,active_params,tokens,flop,start,end
r-declared,宣言,Declared,exploration,fine-tuning,completed,declared,,,,,,,
r-measured,計測,Measured,development,pre-training,completed,measured,tiny,1000000,,,,2026-03-31T15:00:00Z,2026-03-31T15:30:00Z
r-void,取消,Void,,pre-training,void,declared,,,,,,,
""",
    "boundary/declared": """
part_id,run_id,site_id,start,end,boundary,device_hours,power_w,energy_kwh,grade,evidence_id
p1,r-declared,tokyo,2026-04-29T15:00:00Z,2026-05-01T15:00:00Z,it,100,700,,F,e-decl
p2,r-void,tokyo,2026-04-29T15:00:00Z,2026-05-01T15:00:00Z,it,,,5,F,e-decl
""",
    "boundary/instruments": """
instrument_id,kind,serial_first,serial_last,fy,contract_id,vintage_start,vintage_end,quantity_kwh,quantity_t,factor_t_per_kwh,evidence_id
cert-1,green-power,1,50,2026,c1,2026-03-31T15:00:00Z,2027-03-31T15:00:00Z,50,,0,e-cert
credit-1,j-credit,J1,J2,2026,,2025-03-31T15:00:00Z,2026-03-31T15:00:00Z,,0.01,,e-cert
""",
    # 0.4 kWh = 1,440,000 J = 2,880,000,000,000 half-uJ; 0.2 kWh = 1,440,000,000,000 half-uJ
    "activity/energy": """
row_id,run_id,site_id,device_id,start,end,boundary,method,grade,energy_half_uj,covered_ms,evidence_id
1,r-measured,tokyo,gpu-0,2026-03-31T15:00:00Z,2026-03-31T15:30:00Z,device,nvml,B,2880000000000,1800000,e-journal
2,r-measured,tokyo,gpu-1,2026-03-31T15:00:00Z,2026-03-31T15:30:00Z,device,nvml,B,1440000000000,1800000,e-journal
""",
    "activity/meters": """
meter_id,site_id,start,end,kind,energy_kwh,evidence_id
m1,tokyo,2026-03-31T15:00:00Z,2026-04-30T15:00:00Z,bill,200,e-bill
""",
    "activity/raw_index": """
evidence_id,path,bytes,sha256,records,first,last,clean_end
e-journal,telemetry/a.jnl,10,ABC,2,2026-03-31T15:00:00Z,2026-03-31T15:30:00Z,true
""".replace("ABC", "a" * 64),
    "evidence/evidence": "\nevidence_id,kind,path,bytes,sha256\n"
    + "".join(f"{e},document,evidence/{e}.bin,10,{'b' * 64}\n" for e in ("e-bill", "e-cert", "e-decl", "e-journal")),
    "factors/used": f"""
factor_id,value,unit,actuals_fy,applies_to_fy,submission_fy,edition_on,source_title,source_place,source_url,status,provisional
a1-b-adjusted,0.0004,t-CO2/kWh,2024,2025,2026,2025-07-18,{SOURCE},confirmed,true
a1-b-basic,0.0005,t-CO2/kWh,2024,2025,2026,2025-07-18,{SOURCE},confirmed,true
average,0.000423,t-CO2/kWh,2024,2025,2026,2025-07-18,{SOURCE},confirmed,true
jp.energy-law.crude-oil-equivalent.fy2023,0.0258,kL/GJ,,,,2023-04-01,{SOURCE},confirmed,false
jp.energy-law.electricity-primary-energy.fy2023,8.640,GJ/thousand kWh,,,,2023-04-01,{SOURCE},confirmed,false
""",
    "roadmap/roadmap": """
target_id,measure,fy,value,unit
t-2026,scope2_market_t,2026,0.1,t-CO2
t-2027,scope2_market_t,2027,0.09,t-CO2
""",
    "method/formulas": """
formula_id,expression,unit,rounding,reference
sum,sum of a measure over lines,,half-up-4sig,specification 5.9
""".replace("lines,,", "lines,various,"),
    "method/grades": """
grade,method,low_pct,high_pct,status
A,"revenue meter, PDU or MLPerf-class analyser",2,2,measured
B,BMC/Redfish or PSU input,5,5,measured
C1,NVML cumulative energy counter,8,8,measured
C2,NVML polled power,12,12,measured
D1,RAPL package counter,10,10,measured
D2,RAPL DRAM counter,20,20,measured
E1,CPU load model (load x rated power),40,60,estimated
E2,RAM model (power per guessed module),50,100,estimated
F,declared hours x power,50,30,declared
X,share of a shared device by activity,20,20,estimated
""",
    # Measured device energy 0.6 kWh x 1.25 x 1.1 = 0.825 IT; overhead 0.825 x 0.2 = 0.165; together 0.99 kWh.
    # Declared: 100 h x 700 W = 70 kWh IT over two days, half on 30 April, half on 1 May: 35 kWh + 7 kWh overhead each.
    # Bill of April: 200 - 0.99 - 42 = 157.01 kWh unattributed.
    # Emissions: x 0.000423 (average), x 0.0005 (basic, market), x 0.0004 (adjusted).
    "results/lines": """
line_id,kind,run_id,site_id,contract_id,frame,country,start,end,month,boundary,portion,method,grade,status,energy_j,energy_kwh,step_node,step_it,step_pue,share,facility_kwh,scope,category,location_factor_id,location_t_per_kwh,tco2_location,market_factor_id,market_t_per_kwh,tco2_market,basic_factor_id,basic_t_per_kwh,tco2_basic,adjusted_factor_id,adjusted_t_per_kwh,tco2_adjusted,low_pct,high_pct,evidence_id
L000001,instrument-in,,tokyo,c1,,JP,YEAR,,facility,facility,certificate,A,billed,180000000,50,1,1,1,1,50,2,,average,0.000423,0.02115,cert-1,0,0,a1-b-basic,0.0005,0.025,a1-b-adjusted,0.0004,0.02,0,0,e-cert
L000002,instrument-out,,tokyo,c1,,JP,YEAR,,facility,facility,certificate,A,billed,-180000000,-50,1,1,1,1,-50,2,,average,0.000423,-0.02115,a1-b-basic,0.0005,-0.025,a1-b-basic,0.0005,-0.025,a1-b-adjusted,0.0004,-0.02,0,0,e-cert
L000003,run,r-declared,tokyo,c1,exploration,JP,APRIL,2026-04,it,it,declared,F,declared,126000000,35,1,1,1,1,35,2,,average,0.000423,0.014805,a1-b-basic,0.0005,0.0175,a1-b-basic,0.0005,0.0175,a1-b-adjusted,0.0004,0.014,50,30,e-decl
L000004,run,r-declared,tokyo,c1,exploration,JP,APRIL,2026-04,it,overhead,declared,F,declared,126000000,35,1,1,0.2,1,7,2,,average,0.000423,0.002961,a1-b-basic,0.0005,0.0035,a1-b-basic,0.0005,0.0035,a1-b-adjusted,0.0004,0.0028,50,30,e-decl
L000005,run,r-declared,tokyo,c1,exploration,JP,MAY,2026-05,it,it,declared,F,declared,126000000,35,1,1,1,1,35,2,,average,0.000423,0.014805,a1-b-basic,0.0005,0.0175,a1-b-basic,0.0005,0.0175,a1-b-adjusted,0.0004,0.014,50,30,e-decl
L000006,run,r-declared,tokyo,c1,exploration,JP,MAY,2026-05,it,overhead,declared,F,declared,126000000,35,1,1,0.2,1,7,2,,average,0.000423,0.002961,a1-b-basic,0.0005,0.0035,a1-b-basic,0.0005,0.0035,a1-b-adjusted,0.0004,0.0028,50,30,e-decl
L000007,run,r-measured,tokyo,c1,development,JP,APRIL,2026-04,device,it,nvml,B,measured,2160000,0.6,1.25,1.1,1,1,0.825,2,,average,0.000423,0.000348975,a1-b-basic,0.0005,0.0004125,a1-b-basic,0.0005,0.0004125,a1-b-adjusted,0.0004,0.00033,5,5,e-journal
L000008,run,r-measured,tokyo,c1,development,JP,APRIL,2026-04,device,overhead,nvml,B,measured,2160000,0.6,1.25,1.1,0.2,1,0.165,2,,average,0.000423,0.000069795,a1-b-basic,0.0005,0.0000825,a1-b-basic,0.0005,0.0000825,a1-b-adjusted,0.0004,0.000066,5,5,e-journal
L000009,unattributed,,tokyo,c1,,JP,APRIL,2026-04,facility,facility,meter,A,billed,565236000,157.01,1,1,1,1,157.01,2,,average,0.000423,0.06641523,a1-b-basic,0.0005,0.078505,a1-b-basic,0.0005,0.078505,a1-b-adjusted,0.0004,0.062804,2,2,e-bill
""".replace("YEAR", ",".join(YEAR))
    .replace("APRIL", ",".join(APRIL))
    .replace("MAY", ",".join(MAY)),
    "results/progress": """
target_id,measure,fy,target,actual,gap,unit,met
t-2026,scope2_market_t,2026,0.1,0.096,-0.004,t-CO2,
""",
    "results/lineage": "\nline_id,source,first,last\n"
    "L000001,instruments.csv,cert-1,cert-1\nL000002,instruments.csv,cert-1,cert-1\n"
    + "".join(f"L00000{n},declared.csv,p1,p1\n" for n in (3, 4, 5, 6))
    + "L000007,energy.csv,1,2\nL000008,energy.csv,1,2\nL000009,meters.csv,m1,m1\n",
}

# Totals on paper. AI energy: 0.99 + 84 = 84.99 kWh; x 0.000423 = 0.03595077 t; x 0.0005 = 0.042495 t.
# Scope 2: 84.99 + 157.01 + 50 - 50 = 242 kWh; location 242 x 0.000423 = 0.102366 t; market (242 - 50) x 0.0005 =
# 0.096 t; basic 242 x 0.0005 = 0.121 t; adjusted 242 x 0.0004 = 0.0968 t. Primary energy 242 x 8.64 / 1000 = 2.09088
# GJ; oil 2.09088 x 0.0258 = 0.053944704 kL. Shares: 0.99 / 84.99 = 1.16484292269678..%, the rest 98.8351570773032..%.
# Interval: low sqrt((0.99 x 5)^2 + (84 x 50)^2) / 84.99 = 49.417612859..; high sqrt(4.95^2 + 2520^2) / 84.99 =
# 29.650604325..
FIGURES = """
ai_location_t,sum,tco2_location,kind=run,0.03595077,0.03595,t-CO2,5
ai_location_t.frame.development,sum,tco2_location,kind=run;frame=development,0.00041877,0.0004188,t-CO2,7
ai_location_t.frame.exploration,sum,tco2_location,kind=run;frame=exploration,0.035532,0.03553,t-CO2,5
ai_location_t.month.2026-04,sum,tco2_location,kind=run;month=2026-04,0.01818477,0.01818,t-CO2,5
ai_location_t.month.2026-05,sum,tco2_location,kind=run;month=2026-05,0.017766,0.01777,t-CO2,5
ai_location_t.run.r-declared,sum,tco2_location,kind=run;run_id=r-declared,0.035532,0.03553,t-CO2,5
ai_location_t.run.r-measured,sum,tco2_location,kind=run;run_id=r-measured,0.00041877,0.0004188,t-CO2,7
ai_location_t.site.tokyo,sum,tco2_location,kind=run;site_id=tokyo,0.03595077,0.03595,t-CO2,5
ai_location_t.status.declared,sum,tco2_location,kind=run;status=declared,0.035532,0.03553,t-CO2,5
ai_location_t.status.measured,sum,tco2_location,kind=run;status=measured,0.00041877,0.0004188,t-CO2,7
ai_market_t,sum,tco2_market,kind=run,0.042495,0.04250,t-CO2,5
ai_market_t.frame.development,sum,tco2_market,kind=run;frame=development,0.000495,0.0004950,t-CO2,7
ai_market_t.frame.exploration,sum,tco2_market,kind=run;frame=exploration,0.042,0.04200,t-CO2,5
ai_market_t.month.2026-04,sum,tco2_market,kind=run;month=2026-04,0.021495,0.02150,t-CO2,5
ai_market_t.month.2026-05,sum,tco2_market,kind=run;month=2026-05,0.021,0.02100,t-CO2,5
ai_market_t.run.r-declared,sum,tco2_market,kind=run;run_id=r-declared,0.042,0.04200,t-CO2,5
ai_market_t.run.r-measured,sum,tco2_market,kind=run;run_id=r-measured,0.000495,0.0004950,t-CO2,7
ai_market_t.site.tokyo,sum,tco2_market,kind=run;site_id=tokyo,0.042495,0.04250,t-CO2,5
ai_market_t.status.declared,sum,tco2_market,kind=run;status=declared,0.042,0.04200,t-CO2,5
ai_market_t.status.measured,sum,tco2_market,kind=run;status=measured,0.000495,0.0004950,t-CO2,7
credits_t,credits,,,0.01,0.01000,t-CO2,5
crude_oil_kl,crude-oil,,,0.053944704,0.05394,kL,5
energy_ai_high_pct,interval-high-pct,,,29.650604,29.65,%,2
energy_ai_kwh,sum,facility_kwh,kind=run,84.99,84.99,kWh,2
energy_ai_kwh.frame.development,sum,facility_kwh,kind=run;frame=development,0.99,0.9900,kWh,4
energy_ai_kwh.frame.exploration,sum,facility_kwh,kind=run;frame=exploration,84,84.00,kWh,2
energy_ai_kwh.month.2026-04,sum,facility_kwh,kind=run;month=2026-04,42.99,42.99,kWh,2
energy_ai_kwh.month.2026-05,sum,facility_kwh,kind=run;month=2026-05,42,42.00,kWh,2
energy_ai_kwh.run.r-declared,sum,facility_kwh,kind=run;run_id=r-declared,84,84.00,kWh,2
energy_ai_kwh.run.r-measured,sum,facility_kwh,kind=run;run_id=r-measured,0.99,0.9900,kWh,4
energy_ai_kwh.site.tokyo,sum,facility_kwh,kind=run;site_id=tokyo,84.99,84.99,kWh,2
energy_ai_kwh.status.declared,sum,facility_kwh,kind=run;status=declared,84,84.00,kWh,2
energy_ai_kwh.status.measured,sum,facility_kwh,kind=run;status=measured,0.99,0.9900,kWh,4
energy_ai_low_pct,interval-low-pct,,,49.417613,49.42,%,2
energy_scope2_kwh,sum,facility_kwh,scope=2,242,242.0,kWh,1
gap.t-2026,target-gap,,,-0.004,-0.004000,t-CO2,6
gross_market_t,gross,,,0.096,0.09600,t-CO2,5
net_market_t,net,,,0.086,0.08600,t-CO2,5
primary_energy_gj,primary-energy,,,2.09088,2.091,GJ,3
scope1_domestic_t,declared-none,,,0,0,t-CO2,0
scope1_t,declared-none,,,0,0,t-CO2,0
scope2_location_domestic_t,sum,tco2_location,scope=2;country=JP,0.102366,0.1024,t-CO2,4
scope2_location_t,sum,tco2_location,scope=2,0.102366,0.1024,t-CO2,4
scope2_location_t.site.tokyo,sum,tco2_location,scope=2;site_id=tokyo,0.102366,0.1024,t-CO2,4
scope2_market_domestic_t,sum,tco2_market,scope=2;country=JP,0.096,0.09600,t-CO2,5
scope2_market_t,sum,tco2_market,scope=2,0.096,0.09600,t-CO2,5
scope2_market_t.site.tokyo,sum,tco2_market,scope=2;site_id=tokyo,0.096,0.09600,t-CO2,5
scope3_cat1_location_t,sum,tco2_location,scope=3;category=1,0,0,t-CO2,0
scope3_cat1_market_t,sum,tco2_market,scope=3;category=1,0,0,t-CO2,0
scope3_cat8_location_t,sum,tco2_location,scope=3;category=8,0,0,t-CO2,0
scope3_cat8_market_t,sum,tco2_market,scope=3;category=8,0,0,t-CO2,0
share_declared_pct,share-pct,,,98.835157077303,98.84,%,2
share_estimated_pct,share-pct,,,0,0,%,0
share_measured_pct,share-pct,,,1.164842922697,1.165,%,3
shk_adjusted_t,sum,tco2_adjusted,scope=2;country=JP,0.0968,0.09680,t-CO2,5
shk_basic_t,sum,tco2_basic,scope=2;country=JP,0.121,0.1210,t-CO2,4
target.t-2026,target,,,0.1,0.1000,t-CO2,4
"""
HEAT, OIL = "jp.energy-law.electricity-primary-energy.fy2023", "jp.energy-law.crude-oil-equivalent.fy2023"
FIGURE_HEADER = "figure_id,formula_id,measure,lines_filter,exact,rounded,unit,decimals,rounding,provisional\n"
# Every figure in which a factor of 2025 stands in for 2026; no line is of Scope 3, so nothing stands in there.
PROVISIONAL = ("ai_location_t", "ai_market_t", "scope2_", "shk_", "gross_", "net_", "gap.")
TABLES["results/figures"] = f"\n{FIGURE_HEADER}" + "".join(
    f"{row},half-up-4sig,{'true' if row.startswith(PROVISIONAL) else 'false'}\n" for row in FIGURES.split()
)


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def entry(factor_id: str, value: str, kind: str, **more: Any) -> dict[str, Any]:
    source = {
        "title": "List of factors",
        "place": "p. 3",
        "url": "https://example.org/list",
        "publisher": "P",
        "published_on": "2025",
    }
    years = {"actuals_fy": 2024, "applies_to_fy": 2025, "submission_fy": 2026, "edition_on": "2025-07-18"}
    fixed = {"id": factor_id, "family": "f", "commodity": "electricity", "kind": kind, "name_ja": "係", "name_en": "f"}
    general = {
        "basis": "none",
        "country": "JP",
        "value": value,
        "unit": "t-CO2/kWh",
        "source": source,
        "status": "confirmed",
    }
    return {k: v for k, v in (fixed | general | years | more).items() if v is not None}


def registry() -> list[dict[str, Any]]:
    supplier = {"number": "A0001", "menu": "B"}
    no_year = {"actuals_fy": None, "applies_to_fy": None, "submission_fy": None, "edition_on": "2023-04-01"}
    old = {"applies_to_fy": 2024, "actuals_fy": 2023, "submission_fy": 2025, "edition_on": "2024-07-19"}
    entries = [
        entry("a1-b-adjusted", "0.0004", "menu", basis="adjusted", **supplier),
        entry("a1-b-basic", "0.0005", "menu", basis="basic", **supplier),
        entry("a1-b-basic-old", "0.0007", "menu", basis="basic", **supplier, **old),
        entry("a1-residual-basic", "0.0006", "residual", basis="basic", number="A0001"),
        entry("a1-residual-adjusted", "0.0006", "residual", basis="adjusted", number="A0001"),
        entry("a1-whole-basic", "0.00055", "whole", basis="basic", number="A0001"),
        entry("average", "0.000423", "national-average"),
        entry("average-old", "0.000438", "national-average", **old),
        entry(
            HEAT,
            "8.640",
            "constant",
            valid_from_fy=2023,
            commodity="electricity-heat",
            unit="GJ/thousand kWh",
            **no_year,
        ),
        entry(
            HEAT.replace("fy2023", "fy2013"), "9.76", "constant", valid_from_fy=2013, unit="GJ/thousand kWh", **no_year
        ),
        entry(OIL, "0.0258", "constant", commodity="crude-oil", unit="kL/GJ", **no_year),
        entry("substitute", "0.000423", "substitute"),
    ]
    return sorted(entries, key=lambda e: e["id"])


def roadmap() -> dict[str, Any]:
    targets = [
        {"id": "t-2026", "measure": "scope2_market_t", "fy": 2026, "value": "0.1", "unit": "t-CO2"},
        {"id": "t-2027", "measure": "scope2_market_t", "fy": 2027, "value": "0.09", "unit": "t-CO2"},
    ]
    return {
        "roadmap_id": "rm",
        "version": 1,
        "entity_id": "fm",
        "base": {"fy": 2025},
        "targets": targets,
        "measures": [],
    }


def statement() -> dict[str, Any]:
    counted = [n for n in TABLES if n.split("/")[0] in {"boundary", "activity", "evidence", "factors", "results"}]
    return {
        "schema": "gxmeter-statement/1",
        "report_id": "R-2026-000007",
        "sequence": 7,
        "supersedes": None,
        "entity_id": "fm",
        "entity_name_ja": "基盤",
        "entity_name_en": "Foundation",
        "programme": {"id": "p-1", "name_ja": "事業", "name_en": "Programme", "call_text": "public"},
        "illustrative": False,
        "fy": 2026,
        "period_start": YEAR[0],
        "period_end": YEAR[1],
        "as_of": "2026-05-01T15:00:00Z",
        "kind": "interim",
        "provisional": True,
        "roadmap": {
            "roadmap_id": "rm",
            "version": 1,
            "state": "approved",
            "content_sha256": hashlib.sha256(canonical(roadmap())).hexdigest(),
        },
        "third_party_verification": "none",
        "materiality_pct": "5",
        "gap_limit_s": 60,
        "counts": {n.split("/")[1]: TABLES[n].count("\n") - 2 for n in counted},
        "tool": {"name": "gxmeter", "version": "0"},
    }


def header() -> dict[str, Any]:
    sums = (("gpu-0", "2880000000000"), ("gpu-1", "1440000000000"))
    devices = [
        {"device_id": d, "method": "nvml", "rows": 1, "energy_half_uj": e, "covered_ms": 1800000} for d, e in sums
    ]
    return {
        "run_id": "r-measured",
        "site_id": "tokyo",
        "evidence": ["e-journal"],
        "start": APRIL[0],
        "end": "2026-03-31T15:30:00Z",
        "records": 120,
        "clean_end": True,
        "sensors": [{"name": "nvml", "version": "12"}],
        "devices": devices,
        "gaps": [],
    }


def approval() -> dict[str, Any]:
    names = ("body", "approved_on", "resolution_id", "agenda_item", "minutes_sha256")
    known = {"roadmap_id": "rm", "version": 1, "content_sha256": statement()["roadmap"]["content_sha256"]}
    return known | dict.fromkeys(names, "x")


HTML = '<!doctype html><p>AI energy <data value="84.99" data-fig="energy_ai_kwh">84.99</data> kWh</p>\n'


def payload() -> Files:
    """Every file under data/, and the tag files that do not depend on them."""
    files = {f"data/{name}.csv": text.lstrip("\n").encode() for name, text in TABLES.items()}
    files["data/statement.json"] = canonical(statement())
    files["data/activity/run_headers.jsonl"] = canonical(header()) + b"\n"
    files["data/factors/registry/registry.json"] = canonical({"schema": "gxmeter-registry/1", "entries": registry()})
    files["data/roadmap/roadmap.json"] = canonical(roadmap())
    files["data/roadmap/approvals.jsonl"] = canonical(approval()) + b"\n"
    for name in (
        "data/method/environment.json",
        "data/checks/checks.json",
        "data/report/report.json",
        "datapackage.json",
    ):
        files[name] = b"{}"
    for language in ("ja", "en"):
        files[f"data/report/report.{language}.html"] = HTML.encode()
        files[f"HOW-TO-VERIFY.{language}.md"] = b"Run verify.py\n"
    return files | {"verify.py": VERIFY.read_bytes()}


def lines_of(files: Files, prefix: str, *, inside: bool) -> bytes:
    names = sorted(n for n in files if n.startswith(prefix) == inside and not n.startswith("signatures/"))
    names = [n for n in names if n != "tagmanifest-sha256.txt"]
    return "".join(f"{hashlib.sha256(files[n]).hexdigest()}  {n}\n" for n in names).encode()


def seal(files: Files, key: Ed25519PrivateKey = KEY, **predicate: Any) -> Files:
    """Manifests, BagIt tag files and signatures over whatever the files now hold."""
    data = [body for name, body in files.items() if name.startswith("data/")]
    files["bagit.txt"] = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    files["bag-info.txt"] = f"External-Identifier: R\nPayload-Oxum: {sum(map(len, data))}.{len(data)}\n".encode()
    files["manifest-sha256.txt"] = lines_of(files, "data/", inside=True)
    files["tagmanifest-sha256.txt"] = tag = lines_of(files, "data/", inside=False)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    about = {
        "report_id": "R-2026-000007",
        "fy": 2026,
        "entity_id": "fm",
        "role": "calculator",
        "decision": "calculated",
    }
    about |= {"as_of": "2026-05-01T15:00:00Z", "signer": hashlib.sha256(public).hexdigest()} | predicate
    subject = [{"name": "tagmanifest-sha256.txt", "digest": {"sha256": hashlib.sha256(tag).hexdigest()}}]
    body = canonical(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "predicateType": "urn:gxmeter:report:v1",
            "subject": subject,
            "predicate": about,
        }
    )
    kind = b"application/vnd.in-toto+json"
    signature = key.sign(b"DSSEv1 28 %s %d %s" % (kind, len(body), body))
    named = {"keyid": hashlib.sha256(public).hexdigest(), "sig": base64.b64encode(signature).decode()}
    envelope = {"payload": base64.b64encode(body).decode(), "payloadType": kind.decode(), "signatures": [named]}
    files["signatures/statement.dsse.json"] = canonical(envelope)
    files["signatures/tagmanifest.ed25519"] = key.sign(tag)
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    files["signatures/calculator.pub.pem"] = pem
    return files


def trust(files: Files, key: Ed25519PrivateKey = KEY, **more: Any) -> dict[str, Any]:
    """The trust file that an honest package of these files deserves."""
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    window = {"valid_from": "2026-04-01T00:00:00Z", "valid_to": "2027-12-31T00:00:00Z"}
    keys = [
        {"keyid": hashlib.sha256(public).hexdigest(), "public_key": public.hex(), "role": "calculator", "name": "o"}
        | window
    ]
    state = statement()["roadmap"]
    return {
        "schema": "gxmeter-trust/1",
        "keys": keys,
        "registry_sha256": hashlib.sha256(files["data/factors/registry/registry.json"]).hexdigest(),
        "roadmap": {k: state[k] for k in ("roadmap_id", "version", "content_sha256")},
        "verify_py_sha256": hashlib.sha256(VERIFY.read_bytes()).hexdigest(),
        "last": {"sequence": 6, "tagmanifest_sha256": "0" * 64},
    } | more


def write(files: Files, folder: Path) -> Path:
    """Put the files into a folder."""
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return folder
